/**
 * Kiln's amphora agent: serves the REST API of Octavia's amphora agent over mutual TLS.
 *
 *   node agent.mjs [--root DIR] [--config-file FILE] [--bind-host IP]         an amphora that is a process among others
 *   node agent.mjs --system [--programs DIR] [--config-file FILE]             an amphora that is a machine; needs root
 *
 * `--root` is the folder that the amphora's absolute paths (certificates, HAProxy's files) are looked up in; the
 * configuration file is taken as it is named. HAProxy runs as a child, in the agent's process group, and ends with the
 * agent; what ran is started again by the next agent. With `--system` interfaces, HAProxy and keepalived are the machine's and outlive
 * the agent; `--programs` is the folder of what it runs beside them (default: `programs` beside this file). Exit status 1, with a message on standard error, when arguments, configuration or certificates
 * are at fault or the address can't be had; 0 after SIGTERM or SIGINT, when requests under way are answered.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { type AgentConfiguration, parseAgentConfiguration } from './configuration.ts';
import { createAgentFiles } from './files.ts';
import { readCounters } from './heartbeat/counters.ts';
import { startHeartbeats } from './heartbeat/sender.ts';
import { readImageManifest } from './image-manifest.ts';
import { readInstalledVersions } from './installed-versions.ts';
import { logger } from './logger.ts';
import { createProcessHost } from './process-host/host.ts';
import { agentItselfRoutes } from './resources/agent-itself.ts';
import { certificateRoutes } from './resources/certificates.ts';
import { detailsRoutes } from './resources/details.ts';
import { discoveryRoutes } from './resources/discovery.ts';
import { infoRoutes } from './resources/info.ts';
import { interfaceRoutes } from './resources/interfaces.ts';
import { loadBalancerRoutes } from './resources/load-balancers.ts';
import { lvsListenerRoutes } from './resources/lvs-listeners.ts';
import { vrrpRoutes } from './resources/vrrp.ts';
import { type RunningServer, startServer } from './server.ts';
import { createSystemHost } from './system-host/host.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      root: { type: 'string', default: '/' },
      'config-file': { type: 'string' },
      'bind-host': { type: 'string' },
      system: { type: 'boolean', default: false },
      programs: { type: 'string', default: join(import.meta.dirname, 'programs') },
    },
  });
  const root = values.root;
  const configurationFile = values['config-file'] ?? join(root, 'etc/octavia/amphora-agent.conf');
  const configuration = await readConfiguration(configurationFile, values['bind-host']);
  const { amphoraId, bindHost, haproxyCmd } = configuration;
  const image = await readImageManifest(import.meta.dirname);
  const installed = await readInstalledVersions(haproxyCmd);

  const files = createAgentFiles(root, configuration);
  const { host, loadBalancers } = values.system
    ? await createSystemHost(configuration, files, values.programs, logger)
    : createProcessHost(configuration, files, logger);
  const heartbeats = startHeartbeats({
    amphoraId,
    sourceAddress: bindHost,
    configuration: configuration.heartbeat,
    loadBalancers,
    host,
    counters: await readCounters(join(files.base, 'stats_counters.json')),
    logger,
  });
  const server: RunningServer = await startServer(
    configuration,
    root,
    [
      ...discoveryRoutes(),
      ...infoRoutes({ installed, agentVersion: packageJson.version, image }),
      ...detailsRoutes({ installed, root, loadBalancers, host }),
      ...lvsListenerRoutes(host.lvs),
      ...vrrpRoutes(host.vrrp),
      ...certificateRoutes(files),
      ...loadBalancerRoutes(loadBalancers, host),
      ...interfaceRoutes(host),
      ...agentItselfRoutes({
        certificateFile: files.here(configuration.agentServerCert),
        configurationFile,
        renewCertificate: () => server.renewCertificate(),
        reconfigure: (changed) => heartbeats.reconfigure(changed.heartbeat),
      }),
    ],
    logger,
  );
  logger('info', 'listening', { address: server.address, amphoraId: configuration.amphoraId, image });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      logger('info', 'stopping', { signal });
      heartbeats.stop();
      // The other one of a pair takes over while this one still serves.
      void Promise.all([server.stop(), host.vrrp.close().finally(() => loadBalancers.close())]);
    });
  }
  await host.vrrp.resume();
  await loadBalancers.resume();
  await host.lvs.resume();
}

async function readConfiguration(file: string, bindHost: string | undefined): Promise<AgentConfiguration> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new Error(`the configuration can't be read: ${cause.message}`);
  });
  try {
    const configuration = parseAgentConfiguration(text);
    return { ...configuration, ...(bindHost === undefined ? {} : { bindHost }) };
  } catch (thrown) {
    throw new Error(`${file}: ${(thrown as Error).message}`);
  }
}

try {
  await main();
} catch (thrown) {
  console.error(`amphora-agent: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  process.exitCode = 1;
}
