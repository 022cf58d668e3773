import { readFile } from 'node:fs/promises';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { join } from 'node:path';
import { type ConnectionGuard, connectionLimits, guardConnections, limitedOptions } from '../http/limited-server.ts';
import type { AgentConfiguration } from './configuration.ts';
import type { Logger } from './logger.ts';
import { createRequestHandler, type Route } from './router.ts';

/** How long requests under way may take when the agent is asked to stop. */
const STOP_ANSWER_SECONDS = 5;

export interface RunningServer {
  /** `host:port`, IPv6 hosts in brackets. */
  address: string;
  /** Shows the certificate that is in the file now, to whoever connects from now on. */
  renewCertificate(): Promise<void>;
  /** Lets requests under way finish, refuses new ones. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Serves `routes` over TLS to those alone who show a certificate of the controllers' CA.
 * Throws an Error that names file or address when certificates or address can't be used.
 * @param root folder that the amphora's absolute paths are looked up in; "/" in a server of its own.
 */
export async function startServer(
  configuration: AgentConfiguration,
  root: string,
  routes: readonly Route[],
  logger: Logger,
): Promise<RunningServer> {
  const certificateFile = join(root, configuration.agentServerCert);
  const caFile = join(root, configuration.agentServerCa);
  const readContext = async () => {
    const serverPem = await readPem(certificateFile, 'agent_server_cert');
    const ca = await readPem(caFile, 'agent_server_ca');
    return { cert: serverPem, key: serverPem, ca, minVersion: configuration.minTlsVersion };
  };
  const requestSeconds = configuration.agentRequestReadTimeoutSeconds;
  const limits = {
    ...connectionLimits,
    requestSeconds,
    headSeconds: Math.min(connectionLimits.headSeconds, requestSeconds || connectionLimits.headSeconds),
    stopAnswerSeconds: STOP_ANSWER_SECONDS,
  };
  const server = createTlsServer(
    { ...limitedOptions(limits), ...(await readContext()), requestCert: true, rejectUnauthorized: true },
    `${certificateFile} and ${caFile}`,
  );
  const guard = guardConnections(server, limits);
  server.on(
    'request',
    createRequestHandler(routes, (request, thrown) => {
      logger('error', 'request failed', { method: request.method, url: request.url, error: String(thrown) });
    }),
  );
  server.on('tlsClientError', (error, socket) => {
    logger('warning', 'connection refused', { from: socket.remoteAddress, reason: error.message });
  });
  const address = await listen(server, configuration.bindHost, configuration.bindPort);
  return {
    address,
    renewCertificate: async () => server.setSecureContext(await readContext()),
    stop: () => stop(server, guard),
  };
}

async function readPem(file: string, option: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new Error(`[amphora_agent] ${option}: ${file} can't be read: ${cause.message}`);
  });
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    throw new Error(`[amphora_agent] ${option}: ${file} holds no certificate`);
  }
  return text;
}

function createTlsServer(options: ServerOptions, files: string): Server {
  try {
    return createServer(options);
  } catch (thrown) {
    throw new Error(`TLS can't be set up with ${files}: ${(thrown as Error).message}`);
  }
}

async function listen(server: Server, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`can't listen on ${host} port ${port}: ${error.message}`)));
    server.listen({ host, port }, resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the server has no address');
  return bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
}

async function stop(server: Server, guard: ConnectionGuard): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    guard.stop();
  });
}
