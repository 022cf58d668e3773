import { X509Certificate } from 'node:crypto';
import type { AmphoraAddress, AmphoraAgent } from '../../ports/amphora-agent.ts';
import { fromNetwork, fromVip, toAgentDetails, toAgentInfo, toAgentListeners } from './bodies.ts';
import { type AgentConnections, type AmphoraAgentSettings, createConnections } from './connection.ts';
import { fromConnectionError } from './failures.ts';
import { type AgentRequest, type AgentSession, notAnObject, openSession, requireObject, whereIs } from './session.ts';

/**
 * Speaks to amphora agents over mutual TLS, as Octavia's rest_api_driver.py does. One connection a call; faults of the
 * certificate files are CONFIGURATION_INVALID.
 * @param settings asked at each call, so that a reload of the configuration is followed.
 */
export function createAmphoraAgentClient(settings: () => AmphoraAgentSettings): AmphoraAgent {
  let made: { key: string; connections: AgentConnections } | null = null;

  function connections(): { connections: AgentConnections; now: AmphoraAgentSettings } {
    const now = settings();
    const key = JSON.stringify(now);
    if (made?.key !== key) made = { key, connections: createConnections(now) };
    return { connections: made.connections, now };
  }

  async function talk<Result>(
    amphora: AmphoraAddress,
    signal: AbortSignal | undefined,
    action: (session: AgentSession) => Promise<Result>,
    evenExpired = false,
  ): Promise<Result> {
    signal?.throwIfAborted();
    const { connections: made, now } = connections();
    const client = await made.open(amphora, { evenExpired, signal });
    try {
      const limitMs = amphora.limitMs ?? (now.connectTimeoutSeconds + now.readTimeoutSeconds) * 1000;
      return await action(await openSession(client, amphora, { port: now.port, limitMs, signal }));
    } finally {
      await client.destroy();
    }
  }

  /** A request whose answer tells no more than that it was carried out. */
  async function command(
    amphora: AmphoraAddress,
    signal: AbortSignal | undefined,
    request: AgentRequest | ((session: AgentSession) => AgentRequest),
  ): Promise<void> {
    await talk(amphora, signal, (session) => session.send(typeof request === 'function' ? request(session) : request));
  }

  return {
    getInfo: (amphora, signal) =>
      talk(amphora, signal, async (session) => {
        const { answer, fault } = await ask(session, 'info');
        return toAgentInfo(
          requireObject(answer, () => fault(notAnObject)),
          session.apiVersion,
          without(fault),
        );
      }),
    getDetails: (amphora, signal) =>
      talk(amphora, signal, async (session) => {
        const { answer, fault } = await ask(session, 'details');
        return toAgentDetails(
          requireObject(answer, () => fault(notAnObject)),
          without(fault),
        );
      }),
    listListeners: (amphora, signal) =>
      talk(amphora, signal, async (session) => {
        const { answer, fault } = await ask(session, 'listeners');
        if (!Array.isArray(answer.body)) throw fault('with what is not a list');
        return toAgentListeners(answer.body, without(fault));
      }),

    uploadHaproxyConfiguration: (amphora, objectId, configuration, signal) =>
      command(amphora, signal, (session) => ({
        method: 'PUT',
        path: `${folderOfObjects(session)}/${amphora.id}/${part(objectId)}/haproxy`,
        text: configuration,
      })),
    uploadLvsConfiguration: (amphora, listenerId, configuration, signal) =>
      command(amphora, signal, {
        method: 'PUT',
        path: `listeners/${amphora.id}/${part(listenerId)}/udp_listener`,
        text: configuration,
      }),
    act: (amphora, objectId, action, signal) =>
      command(amphora, signal, (session) => ({
        method: 'PUT',
        path: `${folderOfObjects(session)}/${part(objectId)}/${action}`,
      })),
    deleteListener: (amphora, objectId, signal) =>
      command(amphora, signal, { method: 'DELETE', path: `listeners/${part(objectId)}`, expected: [404] }),

    uploadVrrpConfiguration: (amphora, configuration, signal) =>
      command(amphora, signal, { method: 'PUT', path: 'vrrp/upload', text: configuration }),
    actOnVrrp: (amphora, action, signal) => command(amphora, signal, { method: 'PUT', path: `vrrp/${action}` }),

    uploadCertificate: (amphora, objectId, fileName, pem, signal) =>
      command(amphora, signal, (session) => ({
        method: 'PUT',
        path: certificatePath(session, objectId, fileName),
        text: pem,
      })),
    getCertificateMd5: (amphora, objectId, fileName, signal) =>
      talk(amphora, signal, (session) => askForString(session, certificatePath(session, objectId, fileName), 'md5sum')),
    deleteCertificate: (amphora, objectId, fileName, signal) =>
      command(amphora, signal, (session) => ({
        method: 'DELETE',
        path: certificatePath(session, objectId, fileName),
        expected: [404],
      })),

    plugVip: (amphora, vipAddress, vip, signal) =>
      command(amphora, signal, {
        method: 'POST',
        path: `plug/vip/${part(vipAddress)}`,
        json: fromVip(vip),
        expected: [409],
      }),
    plugNetwork: (amphora, network, signal) =>
      command(amphora, signal, {
        method: 'POST',
        path: 'plug/network',
        json: fromNetwork(network),
        expected: [409],
      }),
    getInterface: (amphora, ipAddress, signal) =>
      talk(amphora, signal, (session) => askForString(session, `interface/${part(ipAddress)}`, 'interface')),

    async rotateAgentCertificate(amphora, pem, signal) {
      const request: AgentRequest = { method: 'PUT', path: 'certificate', text: pem };
      await talk(amphora, signal, (session) => session.send(request), true);
    },
    async showsCertificate(amphora, pem, signal) {
      signal?.throwIfAborted();
      const { connections: made, now } = connections();
      try {
        return new X509Certificate(pem).raw.equals(await made.shownCertificate(amphora, signal));
      } catch (thrown) {
        signal?.throwIfAborted();
        const where = whereIs(amphora, now.port);
        throw fromConnectionError({ amphoraId: amphora.id, where, method: 'GET', path: '/' }, thrown, false);
      }
    },
    updateAgentConfiguration: (amphora, configuration, signal) =>
      command(amphora, signal, { method: 'PUT', path: 'config', text: configuration }),
  };
}

/** Where version 1.0 has load balancers, 0.5 has listeners. */
function folderOfObjects(session: AgentSession): string {
  return session.apiVersion === '0.5' ? 'listeners' : 'loadbalancer';
}

function certificatePath(session: AgentSession, objectId: string, fileName: string): string {
  return `${folderOfObjects(session)}/${part(objectId)}/certificates/${part(fileName)}`;
}

/** One part of a path, whatever is in it. Colons stay: Octavia's agent sees IPv6 addresses with them. */
function part(value: string): string {
  return encodeURIComponent(value).replaceAll('%3A', ':');
}

type Fault = (how: string) => Error;

async function ask(session: AgentSession, path: string, expected: readonly number[] = []) {
  const request: AgentRequest = { method: 'GET', path, expected };
  const fault: Fault = (how) => session.fault(request, how);
  return { answer: await session.send(request), fault };
}

/** One field of what a path answers; null when there is nothing at that path. */
async function askForString(session: AgentSession, path: string, field: string): Promise<string | null> {
  const { answer, fault } = await ask(session, path, [404]);
  if (answer.status === 404) return null;
  const value = requireObject(answer, () => fault(notAnObject))[field];
  if (typeof value === 'string') return value;
  throw without(fault)(field);
}

function without(fault: Fault): (field: string) => Error {
  return (field) => fault(`without ${field}`);
}
