/** The contract of AmphoraAgent, against Octavia's own agent in a network namespace (testbed/agent). */
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAmphoraAgentClient } from '../../src/adapters/amphora-agent/client.ts';
import { createCertificateIssuer } from '../../src/adapters/certificates/issuer.ts';
import { renderLvsConfiguration } from '../../src/core/keepalived/lvs/render.ts';
import { cases as lvsCases, settings } from '../golden/keepalived/cases.ts';
import { createTestAuthority } from '../kit/certificate-authority.ts';
import { type AmphoraAgentSubject, describeAmphoraAgentContract } from '../kit/contract/amphora-agent.ts';
import { listenForHeartbeats } from '../kit/heartbeats.ts';
import { agentIsImpossible } from '../kit/octavia-agent.ts';

const scripts = join(import.meta.dirname, '../../testbed/agent');
const host = '169.254.77.1';
const address = '169.254.77.11';
const heartbeatPort = 5555;
const heartbeatKey = 'insecure';

if (agentIsImpossible === null) {
  describeAmphoraAgentContract(
    "Octavia's agent",
    { traffic: true, hardware: true, lvs: true, vrrp: true, reconfigurable: false },
    octaviaAgent,
  );
  describeLvs();
} else {
  describe("AmphoraAgent: Octavia's agent", () => {
    it.skip(agentIsImpossible ?? '', () => undefined);
  });
}

/**
 * What Kiln renders for UDP and SCTP listeners is taken as it is. Carrying it needs IP_VS in the kernel; where that is
 * missing, keepalived says so and ends, which is all that can be seen here.
 */
function describeLvs(): void {
  describe("Octavia's agent and keepalived", () => {
    let subject: AmphoraAgentSubject & { folder: string };
    beforeAll(async () => {
      subject = await octaviaAgent();
    });
    afterAll(() => subject?.close?.());

    it.each(['udp', 'sctp', 'both-families', 'disabled-listener'])(
      'takes the configuration of the case %s',
      async (name) => {
        const { agent, amphora, folder } = subject;
        const { tree, listener } = lvsCases[name] as (typeof lvsCases)[string];
        const configuration = renderLvsConfiguration(tree, listener, settings);
        await agent.uploadLvsConfiguration(amphora, listener.id, configuration);
        const file = join(folder, 'lib/lvs', `octavia-keepalivedlvs-${listener.id}.conf`);
        expect(readFileSync(file, 'utf8')).toBe(configuration);
        expect(await agent.listListeners(amphora)).toEqual([{ id: listener.id, status: 'OFFLINE', type: 'UDP' }]);
        await agent.deleteListener(amphora, listener.id);
        expect(existsSync(file)).toBe(false);
      },
    );

    it('starts keepalived, which ends where the kernel has no IP_VS', async () => {
      const { agent, amphora } = subject;
      const { tree, listener } = lvsCases['monitor-udp-connect'] as (typeof lvsCases)[string];
      await agent.uploadLvsConfiguration(amphora, listener.id, renderLvsConfiguration(tree, listener, settings));
      // Accepted either way: the agent does not wait for what becomes of it.
      await agent.act(amphora, listener.id, 'start');
      const status = existsSync('/proc/net/ip_vs') ? 'ACTIVE' : 'OFFLINE';
      await expect
        .poll(() => agent.listListeners(amphora), { timeout: 20_000 })
        .toEqual([{ id: listener.id, status, type: 'UDP' }]);
      await agent.deleteListener(amphora, listener.id);
      expect(await agent.listListeners(amphora)).toEqual([]);
    });
  });
}

async function octaviaAgent(): Promise<AmphoraAgentSubject & { folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-octavia-agent-'));
  const id = randomUUID();
  const authority = await createTestAuthority(folder, 'ca');
  await authority.issueToFile(join(folder, 'client.pem'), 'controller');
  mkdirSync(join(folder, 'etc/certs'), { recursive: true });
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
  writeFileSync(join(folder, 'etc/certs/client_ca.pem'), readFileSync(authority.certificateFile));
  const configuration = agentConfiguration(id);
  writeFileSync(join(folder, 'etc/amphora-agent.conf'), configuration);

  const sandbox = spawn(join(scripts, 'run.sh'), [folder, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(sandbox, 'exit');
  await Promise.race([
    once(createInterface({ input: sandbox.stdout }), 'line'),
    exited.then(([status]) => Promise.reject(new Error(`testbed/agent/run.sh ended with status ${status}`))),
  ]);
  const heartbeats = await listenForHeartbeats(host, heartbeatPort);
  const agent = createAmphoraAgentClient(() => ({
    clientCertFile: join(folder, 'client.pem'),
    serverCaFile: authority.certificateFile,
    port: 9443,
    connectTimeoutSeconds: 5,
    readTimeoutSeconds: 60,
    lbNetworkInterface: 'lo',
    tlsProtocol: 'TLSv1.2',
  }));
  const amphora = { id, address };
  while (!(await agent.getInfo(amphora).catch(() => null))) await sleep(100);

  let attached = 0;
  return {
    folder,
    agent,
    amphora,
    vip: { address: '169.254.77.101', vrrpIp: '169.254.77.102', subnetCidr: '169.254.77.0/24' },
    attachInterface: async () =>
      execFileSync(join(scripts, 'attach.sh'), [`new${attached++}`], { encoding: 'utf8' }).trim(),
    traffic: {
      memberAddress: host,
      heartbeatKey,
      nextHeartbeat: heartbeats.next,
      configuration,
      newCertificate: issue,
    },
    async close() {
      heartbeats.close();
      sandbox.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true });
    },
  };
}

function agentConfiguration(id: string): string {
  return `[DEFAULT]
debug = true
use_syslog = false
[haproxy_amphora]
base_cert_dir = /var/lib/octavia/certs
base_path = /var/lib/octavia
bind_host = ${address}
bind_port = 9443
haproxy_cmd = /usr/sbin/haproxy
[health_manager]
controller_ip_port_list = ${host}:${heartbeatPort}
heartbeat_interval = 1
heartbeat_key = ${heartbeatKey}
[amphora_agent]
agent_server_ca = /etc/octavia/certs/client_ca.pem
agent_server_cert = /etc/octavia/certs/server.pem
agent_request_read_timeout = 180
amphora_id = ${id}
amphora_udp_driver = keepalived_lvs
agent_tls_protocol = TLSv1.2
[controller_worker]
loadbalancer_topology = SINGLE
`;
}
