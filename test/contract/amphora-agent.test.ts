/** The contract of AmphoraAgent, against the fake and against our own agent with the real HAProxy. */
import { randomInt, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAmphoraAgentClient } from '../../src/adapters/amphora-agent/client.ts';
import { startAgentProcess } from '../kit/agent-process.ts';
import { createTestAuthority } from '../kit/certificate-authority.ts';
import { type AmphoraAgentSubject, describeAmphoraAgentContract } from '../kit/contract/amphora-agent.ts';
import { createFakeAmphoraAgent } from '../kit/fakes/fake-amphora-agent.ts';
import { listenForHeartbeats } from '../kit/heartbeats.ts';

const heartbeatKey = 'a key of this test';
const randomMac = async () =>
  ['06', ...Array.from({ length: 5 }, () => randomInt(256).toString(16).padStart(2, '0'))].join(':');

describeAmphoraAgentContract(
  'fake',
  { traffic: false, hardware: false, lvs: true, vrrp: false, reconfigurable: false },
  async () => ({
    agent: createFakeAmphoraAgent(),
    amphora: { id: randomUUID(), address: '192.0.2.1' },
    vip: { address: '198.18.5.10', vrrpIp: '198.18.5.11', subnetCidr: '198.18.5.0/24' },
    attachInterface: randomMac,
    traffic: null,
  }),
);

describeAmphoraAgentContract(
  'own agent',
  { traffic: true, hardware: false, lvs: false, vrrp: true, reconfigurable: true },
  ownAgent,
);

async function ownAgent(): Promise<AmphoraAgentSubject> {
  const directory = mkdtempSync(join(tmpdir(), 'kiln-own-agent-'));
  const id = randomUUID();
  // An address of our own on loopback for each of the amphora, its VIP and its port.
  const net = `127.${randomInt(60, 120)}.${randomInt(256)}`;
  const address = `${net}.1`;
  const authority = await createTestAuthority(directory, 'ca', { kind: 'ec' });
  await authority.issueToFile(join(directory, 'client.pem'), 'controller');
  const issue = async (name: string) => {
    await authority.issueToFile(join(directory, name), id);
    return readFileSync(join(directory, name), 'utf8');
  };
  const heartbeats = await listenForHeartbeats('127.0.0.1');
  const configuration = [
    '[haproxy_amphora]',
    '[health_manager]',
    `controller_ip_port_list = ${heartbeats.address}`,
    'heartbeat_interval = 1',
    `heartbeat_key = ${heartbeatKey}`,
    '[amphora_agent]',
    `amphora_id = ${id}`,
    '',
  ].join('\n');
  const agent = startAgentProcess({
    program: join(import.meta.dirname, '../../src/dev-agent/main.ts'),
    root: join(directory, 'root'),
    bindHost: address,
    files: {
      '/etc/octavia/amphora-agent.conf': configuration,
      '/etc/octavia/certs/server.pem': await issue('server.pem'),
      '/etc/octavia/certs/client_ca.pem': readFileSync(authority.certificateFile, 'utf8'),
    },
  });
  await agent.listening;
  return {
    agent: createAmphoraAgentClient(() => ({
      clientCertFile: join(directory, 'client.pem'),
      serverCaFile: authority.certificateFile,
      port: 9443,
      connectTimeoutSeconds: 10,
      readTimeoutSeconds: 30,
      lbNetworkInterface: 'lo',
      tlsProtocol: 'TLSv1.2',
    })),
    amphora: { id, address },
    vip: { address: `${net}.2`, vrrpIp: `${net}.3`, subnetCidr: `${net}.0/24` },
    attachInterface: randomMac,
    traffic: {
      memberAddress: '127.0.0.1',
      heartbeatKey,
      nextHeartbeat: heartbeats.next,
      configuration,
      newCertificate: () => issue('renewed.pem'),
    },
    async close() {
      await agent.stop();
      heartbeats.close();
      rmSync(directory, { recursive: true });
    },
  };
}
