import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { buildConnector, Client } from 'undici';
import { KilnError } from '../../model/errors.ts';
import { minTlsVersions, type TlsProtocol } from '../../model/tls.ts';
import { createFileBacked } from '../certificates/file-backed.ts';
import { isOnlyExpired } from './expired-certificate.ts';

/** How agents are reached; from [haproxy_amphora] of octavia.conf, but for the TLS protocol. */
export interface AmphoraAgentSettings {
  /** `client_cert`: PEM file with the controller's certificate and its key. */
  clientCertFile: string;
  /** `server_ca`: PEM file with the CA that signs the agents' certificates. */
  serverCaFile: string;
  /** `bind_port` of the agents. */
  port: number;
  /** `rest_request_conn_timeout`: TCP and TLS. */
  connectTimeoutSeconds: number;
  /** `rest_request_read_timeout`. */
  readTimeoutSeconds: number;
  /** `lb_network_interface`: the way to link-local IPv6 addresses. */
  lbNetworkInterface: string;
  /** `[amphora_agent] agent_tls_protocol`: the lowest that is spoken. */
  tlsProtocol: TlsProtocol;
}

/** An answer has a few hundred bytes; who sends more is not an agent. */
const longestAnswerBytes = 4 * 1024 * 1024;

interface AgentHost {
  id: string;
  address: string;
  limitMs?: number;
}

export interface AgentConnections {
  /**
   * @param options.evenExpired an agent whose certificate is right but for its end is spoken with, too.
   * @param options.signal ends the connection, also one that is being made: undici alone would wait until it is there.
   */
  open(amphora: AgentHost, options: { evenExpired: boolean; signal: AbortSignal | undefined }): Promise<Client>;
  /** The certificate that the agent shows, in DER; one that has expired is shown as well. Rejects as a connection does. */
  shownCertificate(amphora: AgentHost, signal: AbortSignal | undefined): Promise<Buffer>;
}

/**
 * Opens connections to agents. The amphora's ID is the host name: it is sent as such (SNI), and the agent's certificate
 * has to carry it, whatever the address is, as Octavia's driver demands. Certificate files are read again when they
 * change.
 */
export function createConnections(settings: AmphoraAgentSettings): AgentConnections {
  const files = createFileBacked([settings.clientCertFile, settings.serverCaFile], () => loadFiles(settings));

  async function connector(
    { id, address, limitMs = Number.POSITIVE_INFINITY }: AgentHost,
    { evenExpired, signal }: Parameters<AgentConnections['open']>[1],
  ): Promise<buildConnector.connector> {
    const { secureContext, serverCa } = await files();
    const connect = buildConnector({
      secureContext,
      rejectUnauthorized: !evenExpired,
      // A resumed session would not show its certificate again.
      maxCachedSessions: 0,
      allowH2: false,
      timeout: Math.min(settings.connectTimeoutSeconds * 1000, limitMs),
      ...(signal ? { signal } : {}),
    });
    const hostname = withZone(address, settings.lbNetworkInterface);
    return (options, callback) =>
      connect({ ...options, hostname, servername: id }, (...connected) => {
        const [error, socket] = connected;
        if (error !== null || !evenExpired) return callback(...connected);
        const { authorized, authorizationError } = socket as TLSSocket;
        if (authorized || isOnlyExpired(socket as TLSSocket, id, serverCa)) return callback(null, socket);
        socket.destroy();
        const code = String(authorizationError);
        callback(Object.assign(new Error(`its certificate is not to be trusted: ${code}`), { code }), null);
      });
  }

  return {
    async open(amphora, options) {
      return new Client(`https://${amphora.id}:${settings.port}`, {
        connect: await connector(amphora, options),
        headersTimeout: settings.readTimeoutSeconds * 1000,
        bodyTimeout: settings.readTimeoutSeconds * 1000,
        maxResponseSize: longestAnswerBytes,
        pipelining: 1,
      });
    },
    async shownCertificate(amphora, signal) {
      const connect = await connector(amphora, { evenExpired: true, signal });
      const target = { hostname: amphora.id, protocol: 'https:', port: String(settings.port) };
      return await new Promise((resolve, reject) => {
        connect(target, (error, socket) => {
          if (error !== null) return reject(error);
          const { raw } = (socket as TLSSocket).getPeerCertificate();
          // In TLS 1.3 an agent may still refuse our certificate: what it showed is seen all the same.
          socket.on('error', () => {});
          socket.destroy();
          resolve(raw);
        });
      });
    },
  };
}

/** A link-local IPv6 address means nothing without the interface it is on. */
export function withZone(address: string, networkInterface: string): string {
  const linkLocal = isIPv6(address) && /^fe[89ab]/i.test(address);
  return linkLocal && !address.includes('%') ? `${address}%${networkInterface}` : address;
}

async function loadFiles(settings: AmphoraAgentSettings): Promise<{ secureContext: SecureContext; serverCa: string }> {
  const clientCert = await read('client_cert', settings.clientCertFile);
  const serverCa = await read('server_ca', settings.serverCaFile);
  const minVersion = minTlsVersions[settings.tlsProtocol];
  try {
    const secureContext = createSecureContext({ cert: clientCert, key: clientCert, ca: serverCa, minVersion });
    return { secureContext, serverCa };
  } catch (cause) {
    throw new KilnError(
      'CONFIGURATION_INVALID',
      `[haproxy_amphora] client_cert (${settings.clientCertFile}) and server_ca (${settings.serverCaFile}) can't be ` +
        `used for TLS: ${messageOf(cause)}.`,
      {
        advice: 'client_cert must hold a certificate and its unencrypted key, server_ca a certificate, all in PEM.',
        cause,
      },
    );
  }
}

async function read(option: string, file: string): Promise<string> {
  const fault = (why: string, cause?: unknown) =>
    new KilnError('CONFIGURATION_INVALID', `[haproxy_amphora] ${option} (${file}) ${why}.`, { cause });
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw fault(`can't be read: ${messageOf(cause)}`, cause);
  });
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw fault('holds no certificate in PEM format');
  return text;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
