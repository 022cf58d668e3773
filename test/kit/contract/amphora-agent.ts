import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeHeartbeat } from '../../../src/core/heartbeat/decode.ts';
import type { Heartbeat } from '../../../src/core/heartbeat/message.ts';
import { renderVrrpConfiguration } from '../../../src/core/keepalived/vrrp/render.ts';
import type { AmphoraAddress, AmphoraAgent, VipInterface } from '../../../src/ports/amphora-agent.ts';
import { SANDBOX_WITHIN_MS } from '../agent-sandbox.ts';
import { createTestAuthority } from '../certificate-authority.ts';

export interface AmphoraAgentSubject {
  agent: AmphoraAgent;
  /** An amphora that nobody has configured yet. */
  amphora: AmphoraAddress;
  /** Addresses that may become the VIP and the port's own, and their subnet. */
  vip: { address: string; vrrpIp: string; subnetCidr: string };
  /** Has one more network interface appear in the amphora, and tells its MAC address. */
  attachInterface(): Promise<string>;
  /** Null for a fake: nothing goes through it. */
  traffic: AgentTraffic | null;
  close?(): Promise<void>;
}

export interface AgentTraffic {
  /** An address of ours that the amphora reaches members at. */
  memberAddress: string;
  heartbeatKey: string;
  /** The next packet that the amphora sends from now on. */
  nextHeartbeat(): Promise<Uint8Array>;
  /** amphora-agent.conf as it is, for an update. */
  configuration: string;
  /** A new certificate and key for the agent, from the authority that signed the present one. */
  newCertificate(): Promise<string>;
}

/** How subjects may differ. */
export interface AmphoraAgentTraits {
  /** Requests go through HAProxy, and heartbeats come. */
  traffic: boolean;
  /** Interfaces are the kernel's: one that is not there can't be plugged. */
  hardware: boolean;
  /** UDP listeners are taken. */
  lvs: boolean;
  /** VIPs come and go with VRRP. */
  vrrp: boolean;
  /** A new configuration takes effect on heartbeats at once. */
  reconfigurable: boolean;
}

const listenerId = randomUUID();
const poolId = randomUUID();
const memberId = randomUUID();

/** What every AmphoraAgent does, whatever is behind it: a fake, our own agent, Octavia's. Tests build on each other. */
export function describeAmphoraAgentContract(
  name: string,
  traits: AmphoraAgentTraits,
  makeSubject: () => Promise<AmphoraAgentSubject>,
): void {
  describe(`AmphoraAgent: ${name}`, () => {
    const loadBalancerId = randomUUID();
    let directory: string;
    let subject: AmphoraAgentSubject;
    let agent: AmphoraAgent;
    let amphora: AmphoraAddress;
    let vipMac: string;
    let memberPort: number;
    const member = createServer((incoming, response) => response.end(`member got ${incoming.url}`));
    const upload = (changes: Partial<Parameters<typeof configurationFor>[1]> = {}) =>
      agent.uploadHaproxyConfiguration(
        amphora,
        loadBalancerId,
        configurationFor(loadBalancerId, {
          bind: `${subject.vip.address}:8080`,
          member: `${subject.traffic?.memberAddress ?? '127.0.0.1'}:${memberPort}`,
          headerValue: 'one',
          ...changes,
        }),
      );
    const get = (path: string) => fetchText(`http://${subject.vip.address}:8080${path}`);

    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), 'kiln-agent-contract-'));
      subject = await makeSubject();
      ({ agent, amphora } = subject);
      member.listen(0, subject.traffic?.memberAddress ?? '127.0.0.1');
      await once(member, 'listening');
      memberPort = (member.address() as AddressInfo).port;
    }, SANDBOX_WITHIN_MS);
    afterAll(async () => {
      member.closeAllConnections();
      member.close();
      rmSync(directory, { recursive: true });
      await subject?.close?.();
    });

    it('tells who it is, and what it has: nothing yet', async () => {
      const info = await agent.getInfo(amphora);
      expect(info).toMatchObject({
        apiVersion: '1.0',
        hostname: expect.any(String),
        haproxyVersion: expect.any(String),
      });
      await expect(agent.getInfo({ ...amphora, apiVersion: '1.0' })).resolves.toEqual(info);
      expect(await agent.getDetails(amphora)).toMatchObject({ haproxyVersion: info.haproxyVersion, listenerIds: [] });
      expect(await agent.listListeners(amphora)).toEqual([]);
    });

    it('does nothing with a load balancer that it does not know', async () => {
      const unknown = { code: 'AGENT_REFUSED', retryable: false, call: { status: 404 } };
      await expect(agent.act(amphora, randomUUID(), 'start')).rejects.toMatchObject(unknown);
      await expect(agent.deleteListener(amphora, randomUUID())).resolves.toBeUndefined();
    });

    it.runIf(traits.hardware)('refuses, for now, to plug an interface that is not there', async () => {
      const absent = vipInterface(subject, 'fa:16:3e:00:00:01');
      await expect(agent.plugVip(amphora, subject.vip.address, absent)).rejects.toMatchObject({
        code: 'AGENT_REFUSED',
        retryable: true,
        call: { status: 404, serviceMessage: 'No suitable network interface found' },
      });
    });

    it('plugs the VIP, once and again', async () => {
      expect(await agent.getInterface(amphora, subject.vip.address)).toBeNull();
      vipMac = await subject.attachInterface();
      const vip = vipInterface(subject, vipMac);
      await agent.plugVip(amphora, subject.vip.address, vip);
      await agent.plugVip(amphora, subject.vip.address, vip);
      expect(await agent.getInterface(amphora, subject.vip.address)).toBe('eth1');
      expect(await agent.getInterface(amphora, subject.vip.vrrpIp)).toBe('eth1');
    });

    it('plugs a network, and gives it more addresses', async () => {
      const macAddress = await subject.attachInterface();
      const address = (ipAddress: string) => ({
        ipAddress,
        subnetCidr: '198.18.7.0/24',
        gateway: null,
        hostRoutes: [{ destination: '198.18.8.0/24', nexthop: '198.18.7.1' }],
      });
      const network = { macAddress, mtu: 1450, isSriov: false };
      await agent.plugNetwork(amphora, { ...network, fixedIps: [address('198.18.7.10')] });
      expect(await agent.getInterface(amphora, '198.18.7.10')).toBe('eth2');
      await agent.plugNetwork(amphora, { ...network, fixedIps: [address('198.18.7.10'), address('198.18.7.11')] });
      expect(await agent.getInterface(amphora, '198.18.7.11')).toBe('eth2');
    });

    it('refuses a configuration that HAProxy refuses', async () => {
      const bad = 'frontend x\n  bogus\n';
      await expect(agent.uploadHaproxyConfiguration(amphora, loadBalancerId, bad)).rejects.toMatchObject({
        code: 'AGENT_REFUSED',
        retryable: false,
        call: { status: 400, serviceMessage: expect.stringContaining("unknown keyword 'bogus'") },
      });
      expect(await agent.listListeners(amphora)).toEqual([]);
    });

    it('takes a configuration and starts it, once and again', async () => {
      await upload();
      await agent.act(amphora, loadBalancerId, 'start');
      await agent.act(amphora, loadBalancerId, 'start');
      expect(await agent.listListeners(amphora)).toEqual([{ id: listenerId, status: 'ACTIVE', type: 'HTTP' }]);
      expect((await agent.getDetails(amphora)).listenerIds).toEqual([listenerId]);
    });

    it.runIf(traits.traffic)('carries requests to a member', async () => {
      expect(await get('/here')).toEqual({ status: 200, text: 'member got /here', header: 'one' });
    });

    it.runIf(traits.traffic)('tells of listener, pool, member and traffic in signed heartbeats', async () => {
      const seen: Heartbeat[] = [];
      const reported = () => seen.flatMap(({ listeners }) => listeners.get(listenerId)?.counters ?? []);
      await waitFor(async () => {
        await get('/counted');
        seen.push(await readHeartbeat(subject));
        return reported().reduce((sum, { totalConnections }) => sum + totalConnections, 0) >= 2;
      });
      const last = seen.at(-1);
      expect(last).toMatchObject({ amphoraId: amphora.id, version: 3, countersAreDeltas: true });
      expect(last?.listeners.get(listenerId)?.status).toBe('OPEN');
      expect(last?.pools).toEqual([{ poolId, listenerId, status: 'UP', members: new Map([[memberId, 'no check']]) }]);
      expect(reported().reduce((sum, { bytesIn }) => sum + bytesIn, 0)).toBeGreaterThan(0);
      expect(reported().reduce((sum, { bytesOut }) => sum + bytesOut, 0)).toBeGreaterThan(0);
    });

    it('reloads a new configuration', async () => {
      await upload({ headerValue: 'two' });
      await agent.act(amphora, loadBalancerId, 'reload');
      if (traits.traffic) await waitFor(async () => (await get('/')).header === 'two');
    });

    it('stops, once and again, and a reload starts what does not run', async () => {
      await agent.act(amphora, loadBalancerId, 'stop');
      await agent.act(amphora, loadBalancerId, 'stop');
      if (traits.traffic) await expect(get('/')).rejects.toThrow();
      expect(await agent.listListeners(amphora)).toHaveLength(1);
      await agent.act(amphora, loadBalancerId, 'reload');
      if (traits.traffic) await waitFor(async () => (await get('/')).status === 200);
    });

    it('keeps certificates', async () => {
      const authority = await createTestAuthority(directory, 'tenant');
      await authority.issueToFile(join(directory, 'www.pem'), 'www.example.org');
      const pem = readFileSync(join(directory, 'www.pem'), 'utf8');
      const md5 = createHash('md5').update(pem).digest('hex');
      expect(await agent.getCertificateMd5(amphora, loadBalancerId, 'www.pem')).toBeNull();
      await agent.uploadCertificate(amphora, loadBalancerId, 'www.pem', pem);
      expect(await agent.getCertificateMd5(amphora, loadBalancerId, 'www.pem')).toBe(md5);
      await agent.deleteCertificate(amphora, loadBalancerId, 'www.pem');
      await agent.deleteCertificate(amphora, loadBalancerId, 'www.pem');
      expect(await agent.getCertificateMd5(amphora, loadBalancerId, 'www.pem')).toBeNull();
      await agent.uploadCertificate(amphora, loadBalancerId, 'www.pem', pem);
    });

    it('terminates TLS with a list of certificates', async () => {
      const folder = `/var/lib/octavia/certs/${loadBalancerId}`;
      await agent.uploadCertificate(amphora, loadBalancerId, `${listenerId}.pem`, `${folder}/www.pem\n`);
      await upload({ bind: `${subject.vip.address}:8443 ssl crt-list ${folder}/${listenerId}.pem` });
      await agent.act(amphora, loadBalancerId, 'reload');
      expect(await agent.listListeners(amphora)).toEqual([
        { id: listenerId, status: 'ACTIVE', type: traits.traffic ? 'TERMINATED_HTTPS' : 'HTTP' },
      ]);
      if (!traits.traffic) return;
      await waitFor(async () => (await peerName(subject.vip.address, 8443)) === 'www.example.org');
    });

    it.runIf(traits.lvs)('takes a UDP listener, and forgets it', async () => {
      const udp = randomUUID();
      await agent.uploadLvsConfiguration(amphora, udp, '# nothing is balanced\n');
      await agent.deleteListener(amphora, udp);
      await agent.deleteListener(amphora, udp);
    });
    it.runIf(!traits.lvs)('says that it can not carry a UDP listener', async () => {
      await expect(agent.uploadLvsConfiguration(amphora, randomUUID(), '')).rejects.toMatchObject({
        code: 'AGENT_REFUSED',
        retryable: false,
        call: { status: 400, serviceMessage: expect.stringContaining('IP_VS') },
      });
    });

    it('takes a configuration of VRRP, starts it, once and again, reloads it, and stops it', async () => {
      const { address, vrrpIp, subnetCidr } = subject.vip;
      const started = agent.actOnVrrp(amphora, 'start');
      await expect(started).rejects.toMatchObject({ code: 'AGENT_REFUSED', call: { status: 500 } });
      await upload();
      await agent.act(amphora, loadBalancerId, 'reload');
      const interfaceName = (await agent.getInterface(amphora, vrrpIp)) ?? '';
      const configuration = renderVrrpConfiguration(
        {
          loadBalancerId,
          interfaceName,
          virtualRouterId: 1,
          priority: 100,
          vrrpIp,
          peerIps: [vrrpIp.replace(/\d+$/, '99')],
          vip: { address, subnetCidr, gateway: null, hostRoutes: [] },
          additionalVips: [],
        },
        {
          basePath: '/var/lib/octavia',
          advertIntervalSeconds: 0.1,
          checkIntervalSeconds: 1,
          failCount: 2,
          successCount: 1,
          garpRefreshIntervalSeconds: 5,
          garpRefreshCount: 2,
          authenticationKey: 'insecure',
        },
      );
      await agent.uploadVrrpConfiguration(amphora, configuration);
      await agent.actOnVrrp(amphora, 'start');
      await agent.actOnVrrp(amphora, 'start');
      await agent.actOnVrrp(amphora, 'reload');
      if (traits.vrrp) await waitFor(async () => (await get('/')).status === 200);
      await agent.actOnVrrp(amphora, 'stop');
      await agent.actOnVrrp(amphora, 'stop');
      if (traits.vrrp)
        await waitFor(() =>
          get('/').then(
            () => false,
            () => true,
          ),
        );
      // Octavia's agent sends no heartbeats while keepalived is configured and does not run.
      await agent.actOnVrrp(amphora, 'start');
    });

    it('forgets a load balancer, once and again', async () => {
      await agent.deleteListener(amphora, loadBalancerId);
      await agent.deleteListener(amphora, loadBalancerId);
      expect(await agent.listListeners(amphora)).toEqual([]);
      expect(await agent.getCertificateMd5(amphora, loadBalancerId, 'www.pem')).toBeNull();
      if (traits.traffic) await waitFor(async () => (await readHeartbeat(subject)).listeners.size === 0);
    });

    it('takes a new configuration of itself', async () => {
      const { traffic } = subject;
      const { configuration = '[amphora_agent]\namphora_id = a\n', heartbeatKey = '' } = traffic ?? {};
      await agent.updateAgentConfiguration(amphora, configuration.replace(heartbeatKey, 'another-key'));
      if (!traffic || !traits.reconfigurable) return;
      await waitFor(async () => decodeHeartbeat(await traffic.nextHeartbeat(), 'another-key').ok);
    });

    it.runIf(traits.traffic)('shows a new certificate', async () => {
      const pem = await subject.traffic?.newCertificate();
      await agent.rotateAgentCertificate(amphora, pem ?? '');
      // Octavia's agent is started anew for it.
      await waitFor(() => agent.getInfo(amphora).then(() => true));
    });
  });
}

/** A listener, a pool and a member, in the shape that Octavia's renderer gives them. */
function configurationFor(
  loadBalancerId: string,
  values: { bind: string; member: string; headerValue: string },
): string {
  const base = `/var/lib/octavia/${loadBalancerId}`;
  return `# Configuration for loadbalancer ${loadBalancerId}
global
    daemon
    user nobody
    log /run/rsyslog/octavia/log local0
    log /run/rsyslog/octavia/log local1 notice
    stats socket ${base}.sock mode 0666 level user
    server-state-file ${base}/servers-state
    maxconn 1000

defaults
    log global
    retries 3
    option redispatch

frontend ${listenerId}
    maxconn 1000
    bind ${values.bind}
    mode http
    default_backend ${poolId}:${listenerId}
    timeout client 50000
    http-response set-header X-Answer ${values.headerValue}

backend ${poolId}:${listenerId}
    mode http
    balance roundrobin
    load-server-state-from-file global
    timeout connect 5000
    timeout server 50000
    server ${memberId} ${values.member} weight 1
`;
}

function vipInterface({ vip }: AmphoraAgentSubject, macAddress: string): VipInterface {
  return {
    subnetCidr: vip.subnetCidr,
    gateway: null,
    macAddress,
    vrrpIp: vip.vrrpIp,
    mtu: 1450,
    hostRoutes: [],
    additionalVips: [],
    isSriov: false,
  };
}

async function readHeartbeat({ traffic }: AmphoraAgentSubject): Promise<Heartbeat> {
  if (!traffic) return expect.unreachable('a fake sends none');
  const decoded = decodeHeartbeat(await traffic.nextHeartbeat(), traffic.heartbeatKey);
  return decoded.ok ? decoded.heartbeat : expect.unreachable(decoded.detail);
}

async function fetchText(url: string): Promise<{ status: number; text: string; header: string | null }> {
  const response = await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(5000) });
  return { status: response.status, text: await response.text(), header: response.headers.get('x-answer') };
}

/** Common name in the certificate that a server shows. */
async function peerName(host: string, port: number): Promise<string> {
  const socket = connect({ host, port, rejectUnauthorized: false, timeout: 5000 });
  try {
    await once(socket, 'secureConnect');
    return String(socket.getPeerCertificate().subject.CN);
  } finally {
    socket.destroy();
  }
}

/** Until it holds. What is thrown on the way counts as "not yet"; the test's own time limit ends it. */
async function waitFor(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition().catch(() => false))) await sleep(50);
}
