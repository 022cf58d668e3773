import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { Agent } from 'undici';
import { KilnError } from '../../model/errors.ts';
import type { CompleteTransportSettings } from './settings.ts';

export interface Agents {
  of(url: URL): Agent;
  close(): Promise<void>;
}

/** One undici agent for http and one for https, made when first needed: reading the system's authorities takes time. */
export function createAgents(settings: CompleteTransportSettings): Agents {
  const made = new Map<string, Agent>();
  const read = (name: string, file: string | null | undefined): string | undefined => {
    if (!file) return undefined;
    try {
      return readFileSync(file, 'utf8');
    } catch (cause) {
      throw new KilnError('CONFIGURATION_INVALID', `The ${name} ${file} can't be read: ${(cause as Error).message}`, {
        cause,
      });
    }
  };
  const common = {
    connections: settings.maxConnections,
    maxResponseSize: settings.maxAnswerBytes,
    // What is known of a lost request ("surely not carried out") is known for HTTP/1.1.
    allowH2: false,
  };
  // Read now, so that a wrong path is an error at start and not at the first call.
  const ca = read('CA file', settings.caFile);
  if (ca !== undefined && !/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/.test(ca)) {
    throw new KilnError('CONFIGURATION_INVALID', `The CA file ${settings.caFile} holds no certificate in PEM form`);
  }
  const cert = read('client certificate', settings.certFile);
  const key = read('client key', settings.keyFile) ?? (cert?.includes('PRIVATE KEY') ? cert : undefined);
  const make = (protocol: string): Agent => {
    const timeout = settings.connectTimeoutSeconds * 1000;
    if (protocol !== 'https:') return new Agent({ ...common, connect: { timeout } });
    const trusted = ca ?? [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
    return new Agent({
      ...common,
      connect: {
        timeout,
        ca: trusted,
        rejectUnauthorized: !settings.insecure,
        ...(cert && key ? { cert, key } : {}),
      },
    });
  };
  return {
    of(url: URL): Agent {
      let agent = made.get(url.protocol);
      if (!agent) {
        agent = make(url.protocol);
        made.set(url.protocol, agent);
      }
      return agent;
    },
    close: async () => {
      await Promise.all([...made.values()].map((agent) => agent.destroy()));
    },
  };
}
