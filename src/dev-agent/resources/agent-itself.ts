import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type AgentConfiguration, parseAgentConfiguration } from '../configuration.ts';
import { writeWhole } from '../files.ts';
import type { Route } from '../router.ts';
import { apiVersion } from './discovery.ts';

/**
 * What the agent itself runs on: its certificate, and amphora-agent.conf. Octavia's agent writes down whatever comes;
 * ours looks first, as an agent that shows nonsense, or does not start again, is lost.
 */
export function agentItselfRoutes(options: {
  certificateFile: string;
  configurationFile: string;
  /** Shows the certificate that is now in the file. */
  renewCertificate: () => Promise<void>;
  /** Acts on a new configuration as far as that is possible without a restart. */
  reconfigure: (configuration: AgentConfiguration) => void;
}): Route[] {
  return [
    {
      method: 'PUT',
      path: `/${apiVersion}/certificate`,
      handle: async (request) => {
        const pem = (await request.body()).toString('utf8');
        const fault = faultOfCertificate(pem);
        if (fault !== null) return { status: 400, body: { message: 'Invalid request', details: fault } };
        await writeWhole(options.certificateFile, pem);
        await options.renewCertificate();
        return { status: 202, body: { message: 'OK' } };
      },
    },
    {
      method: 'PUT',
      path: `/${apiVersion}/config`,
      handle: async (request) => {
        const text = (await request.body()).toString('utf8');
        let configuration: AgentConfiguration;
        try {
          configuration = parseAgentConfiguration(text);
        } catch (thrown) {
          const details = (thrown as Error).message;
          return { status: 500, body: { message: 'Unable to update amphora-agent configuration.', details } };
        }
        await writeWhole(options.configurationFile, text);
        options.reconfigure(configuration);
        return { status: 202, body: { message: 'OK' } };
      },
    },
  ];
}

function faultOfCertificate(pem: string): string | null {
  try {
    const certificate = new X509Certificate(pem);
    if (certificate.checkPrivateKey(createPrivateKey(pem))) return null;
    return 'the private key is not that of the certificate';
  } catch {
    return 'there is no certificate with its unencrypted private key in PEM';
  }
}
