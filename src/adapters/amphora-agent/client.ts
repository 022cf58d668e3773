import { isIPv6 } from 'node:net';
import type { Client } from 'undici';
import type { AgentInfo, AmphoraAgent } from '../../ports/amphora-agent.ts';
import { type AmphoraAgentSettings, createConnections } from './connection.ts';
import { type AgentCall, fromConnectionError, refused, unreachable } from './failures.ts';

/** API versions whose `info` Kiln reads. Agents of 0.5 have no version discovery (Octavia's rest_api_driver.py). */
const knownVersions = ['1.0', '0.5'];
const versionWithoutDiscovery = '0.5';

interface Answer {
  status: number;
  /** Null when the body is not a JSON object. */
  body: Readonly<Record<string, unknown>> | null;
}

/** Speaks to amphora agents over mutual TLS. One connection a call; faults of the certificate files are
 * CONFIGURATION_INVALID. */
export function createAmphoraAgentClient(settings: AmphoraAgentSettings): AmphoraAgent {
  const openConnection = createConnections(settings);
  const limitMs = (settings.connectTimeoutSeconds + settings.readTimeoutSeconds) * 1000;

  async function get(client: Client, call: AgentCall, signal: AbortSignal | undefined): Promise<Answer> {
    const limit = AbortSignal.timeout(limitMs);
    let greeted = false;
    client.once('connect', () => {
      greeted = true;
    });
    try {
      const response = await client.request({
        method: 'GET',
        path: call.path,
        headers: { accept: 'application/json', 'user-agent': 'Kiln' },
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      greeted = false;
      return { status: response.statusCode, body: parseObject(await response.body.text()) };
    } catch (thrown) {
      signal?.throwIfAborted();
      throw fromConnectionError(call, thrown, greeted);
    }
  }

  async function discoverVersion(client: Client, call: AgentCall, signal: AbortSignal | undefined): Promise<string> {
    const answer = await get(client, call, signal);
    if (answer.status === 404) return versionWithoutDiscovery;
    const version = requireAnswer(call, answer).api_version;
    if (typeof version === 'string' && knownVersions.includes(version)) return version;
    throw refused(call, `speaks API version ${JSON.stringify(version)}; Kiln speaks ${knownVersions.join(' and ')}`);
  }

  return {
    async getInfo({ id, address }, signal) {
      signal?.throwIfAborted();
      const where = `${isIPv6(address) ? `[${address}]` : address}:${settings.port}`;
      const client = await openConnection({ id, address });
      try {
        const apiVersion = await discoverVersion(client, { amphoraId: id, where, path: '/' }, signal);
        const call = { amphoraId: id, where, path: `/${apiVersion}/info` };
        return toAgentInfo(call, apiVersion, requireAnswer(call, await get(client, call, signal)));
      } finally {
        await client.destroy();
      }
    },
  };
}

/** The body of a 200. What an agent that still starts says is AGENT_UNREACHABLE, all else AGENT_REFUSED. */
function requireAnswer(call: AgentCall, { status, body }: Answer): Readonly<Record<string, unknown>> {
  if (status === 200 && body) return body;
  const told = body?.message ?? body?.error ?? body?.details;
  const serviceMessage = typeof told === 'string' ? told : null;
  const why = `answers ${status} to GET ${call.path}${serviceMessage ? `: ${serviceMessage}` : ''}`;
  // A 404 that is not JSON is the web server of an agent whose API is not there yet, to Octavia as well.
  const starting = status >= 500 || (status === 404 && !body);
  if (starting) throw unreachable(call, why, { status, serviceMessage });
  throw refused(call, status === 200 ? `answers GET ${call.path} with what is not a JSON object` : why, {
    status,
    serviceMessage,
  });
}

function toAgentInfo(call: AgentCall, apiVersion: string, body: Readonly<Record<string, unknown>>): AgentInfo {
  const required = (field: string): string => {
    const value = body[field];
    if (typeof value === 'string') return value;
    throw refused(call, `answers GET ${call.path} without ${field}`, { status: 200, serviceMessage: null });
  };
  const optional = (field: string): string | null => {
    const value = body[field];
    return typeof value === 'string' ? value : null;
  };
  return {
    hostname: required('hostname'),
    apiVersion,
    haproxyVersion: required('haproxy_version'),
    agentVersion: optional('agent_version'),
    imageName: optional('image_name'),
    imageVersion: optional('image_version'),
  };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
