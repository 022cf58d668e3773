/**
 * Kiln's amphora agent: serves the REST API of Octavia's amphora agent over mutual TLS.
 *
 *   node agent.mjs [--root DIR] [--config-file FILE] [--bind-host IP]
 *
 * `--root` is the folder that the amphora's absolute paths (certificates, HAProxy's files) are looked up in; the
 * configuration file is taken as it is named. HAProxy runs as a child, in the agent's process group, and ends with the
 * agent; what ran is started again by the next agent. Exit status 1, with a message on standard error, when arguments, configuration or certificates
 * are at fault or the address can't be had; 0 after SIGTERM or SIGINT, when requests under way are answered.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { type AgentConfiguration, parseAgentConfiguration } from './configuration.ts';
import { createAgentFiles } from './files.ts';
import { createLoadBalancers } from './haproxy/load-balancers.ts';
import { readCounters } from './heartbeat/counters.ts';
import { startHeartbeats } from './heartbeat/sender.ts';
import { readImageManifest } from './image-manifest.ts';
import { readInstalledVersions } from './installed-versions.ts';
import { createInterfaces } from './interfaces.ts';
import { logger } from './logger.ts';
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
import { createVrrp, type StandBy } from './vrrp/vrrp.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      root: { type: 'string', default: '/' },
      'config-file': { type: 'string' },
      'bind-host': { type: 'string' },
    },
  });
  const root = values.root;
  const configurationFile = values['config-file'] ?? join(root, 'etc/octavia/amphora-agent.conf');
  const configuration = await readConfiguration(configurationFile, values['bind-host']);
  const { amphoraId, bindHost, haproxyCmd } = configuration;
  const image = await readImageManifest(import.meta.dirname);
  const installed = await readInstalledVersions(haproxyCmd);

  const files = createAgentFiles(root, configuration);
  const loadBalancers = createLoadBalancers({ files, haproxyCmd, amphoraId, logger });
  const holdVips = (standBy: StandBy | null) =>
    loadBalancers.bindElsewhere(standBy && ((address) => (standBy.vips.includes(address) ? standBy.ownIp : address)));
  const vrrp = createVrrp({ files, logger, holdVips, isHealthy: loadBalancers.allRun });
  // Until VRRP has decided, the VIPs are the other one's.
  if (configuration.isOfPair) await loadBalancers.bindElsewhere(() => bindHost);
  const heartbeats = startHeartbeats({
    amphoraId,
    sourceAddress: bindHost,
    configuration: configuration.heartbeat,
    loadBalancers,
    counters: await readCounters(join(files.base, 'stats_counters.json')),
    logger,
  });
  const server: RunningServer = await startServer(
    configuration,
    root,
    [
      ...discoveryRoutes(),
      ...infoRoutes({ installed, agentVersion: packageJson.version, image }),
      ...detailsRoutes({ installed, root, loadBalancers }),
      ...lvsListenerRoutes(),
      ...vrrpRoutes(vrrp),
      ...certificateRoutes(files),
      ...loadBalancerRoutes(loadBalancers),
      ...interfaceRoutes(createInterfaces(files.base)),
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
      void Promise.all([server.stop(), vrrp.close().finally(() => loadBalancers.close())]);
    });
  }
  await vrrp.resume();
  await loadBalancers.resume();
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
