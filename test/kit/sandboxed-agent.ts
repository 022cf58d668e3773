/** An amphora agent in a network namespace of its own, with interfaces that are the kernel's (testbed/agent). Needs root. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCertificateIssuer } from '../../src/adapters/certificates/issuer.ts';
import { connectToAgent, fillAgentFolder, sandboxScripts, startSandbox, untilAnswers } from './agent-sandbox.ts';
import type { AgentTraffic, AmphoraAgentSubject } from './contract/amphora-agent.ts';
import { listenForHeartbeats } from './heartbeats.ts';

const host = '169.254.77.1';
const address = '169.254.77.11';
const heartbeatPort = 5555;
const heartbeatKey = 'insecure';

export interface SandboxedAgent extends AmphoraAgentSubject {
  /** What the agent keeps is in it: `lib` is /var/lib/octavia, `etc` is /etc/octavia. */
  folder: string;
  traffic: AgentTraffic;
  /** Runs a program in the sandbox, as its root. @returns its standard output. */
  inside(program: string, ...arguments_: string[]): string;
  /** PUT of what Kiln's client has no method for. @returns the status of the answer. */
  put(path: string, body: unknown): Promise<number>;
  /** SIGKILL for the agent alone; nobody starts it again. */
  killAgent(): void;
  /** Everything in the sandbox ends; what is in `folder` and the interfaces' MAC addresses stay. */
  reboot(): Promise<void>;
  close(): Promise<void>;
}

/** @param command what to run as the agent; empty for Octavia's own, of Debian's packages. */
export async function startSandboxedAgent(
  command: readonly string[] = [],
  topology: 'SINGLE' | 'ACTIVE_STANDBY' = 'SINGLE',
): Promise<SandboxedAgent> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-octavia-agent-'));
  const id = randomUUID();
  const { authority, configuration } = await fillAgentFolder(folder, {
    ...{ id, host, address, heartbeatPort, heartbeatKey, topology },
    heartbeatIntervalSeconds: 1,
  });
  // As Kiln issues them for every amphora: what the agent gets is what it will have to work with.
  const issuer = createCertificateIssuer(
    {
      caCertificateFile: authority.certificateFile,
      caPrivateKeyFile: authority.keyFile,
      caPrivateKeyPassphrase: null,
      signingDigest: 'sha256',
    },
    { now: () => new Date() },
  );
  const issue = async () => {
    const { certificatePem, privateKeyPem } = await issuer.issueAgentCertificate(id, 3600);
    return certificatePem + privateKeyPem;
  };
  writeFileSync(join(folder, 'etc/certs/server.pem'), await issue());

  let sandbox = await startSandbox([folder, address, ...command]);
  const heartbeats = await listenForHeartbeats(host, heartbeatPort);
  const amphora = { id, address };
  const agent = await connectToAgent(folder, authority.certificateFile, amphora);

  const attach = (name: string, macAddress: string | null) =>
    execFileSync(join(sandboxScripts, 'attach.sh'), [name, ...(macAddress === null ? [] : [macAddress])], {
      encoding: 'utf8',
    }).trim();
  const attached: string[] = [];
  return {
    folder,
    agent,
    amphora,
    vip: { address: '169.254.77.101', vrrpIp: '169.254.77.102', subnetCidr: '169.254.77.0/24' },
    attachInterface: async () => {
      const macAddress = attach(`new${attached.length}`, null);
      attached.push(macAddress);
      return macAddress;
    },
    inside: (program, ...arguments_) => sandbox.run(program, arguments_),
    async put(path, body) {
      const pem = readFileSync(join(folder, 'client.pem'), 'utf8');
      const options = { host: address, port: 9443, path, method: 'PUT', cert: pem, key: pem, agent: false };
      const ca = readFileSync(authority.certificateFile, 'utf8');
      const asked = request({ ...options, ca, checkServerIdentity: () => undefined });
      asked.end(JSON.stringify(body));
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      answer.resume();
      return answer.statusCode ?? 0;
    },
    killAgent: () => void sandbox.run('sh', ['-c', 'kill -KILL "$(cat /run/agent.pid)"']),
    async reboot() {
      await sandbox.stop();
      sandbox = await startSandbox([folder, address, ...command]);
      for (const [index, macAddress] of attached.entries()) attach(`new${index}`, macAddress);
      await untilAnswers(agent, amphora);
    },
    traffic: {
      memberAddress: host,
      heartbeatKey,
      nextHeartbeat: heartbeats.next,
      configuration,
      newCertificate: issue,
    },
    async close() {
      heartbeats.close();
      await sandbox.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
