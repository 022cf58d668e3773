/**
 * Kiln's amphora agent: serves the REST API of Octavia's amphora agent over mutual TLS.
 *
 *   node agent.mjs [--root DIR] [--config-file FILE] [--bind-host IP]
 *
 * `--root` is the folder that the amphora's absolute paths (certificates) are looked up in; the configuration file is
 * taken as it is named. Exit status 1, with a message on standard error, when arguments, configuration or certificates
 * are at fault or the address can't be had; 0 after SIGTERM or SIGINT, when requests under way are answered.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { type AgentConfiguration, parseAgentConfiguration } from './configuration.ts';
import { readImageManifest } from './image-manifest.ts';
import { readInstalledVersions } from './installed-versions.ts';
import { logger } from './logger.ts';
import { detailsRoutes } from './resources/details.ts';
import { discoveryRoutes } from './resources/discovery.ts';
import { infoRoutes } from './resources/info.ts';
import { startServer } from './server.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      root: { type: 'string', default: '/' },
      'config-file': { type: 'string' },
      'bind-host': { type: 'string' },
    },
  });
  const root = values.root;
  const configuration = await readConfiguration(
    values['config-file'] ?? join(root, 'etc/octavia/amphora-agent.conf'),
    values['bind-host'],
  );
  const image = await readImageManifest(import.meta.dirname);
  const installed = await readInstalledVersions(configuration.haproxyCmd);
  const server = await startServer(
    configuration,
    root,
    [
      ...discoveryRoutes(),
      ...infoRoutes({ installed, agentVersion: packageJson.version, image }),
      ...detailsRoutes({ installed, root }),
    ],
    logger,
  );
  logger('info', 'listening', { address: server.address, amphoraId: configuration.amphoraId, image });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      logger('info', 'stopping', { signal });
      void server.stop();
    });
  }
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
