/**
 * A pair of Octavia's own agents, each in a network namespace, with what Kiln tells a pair: HAProxy with peers, and keepalived. Tests
 * build on each other. Needs root.
 */
import { execFileSync } from 'node:child_process';
import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderHaproxyConfiguration } from '../../src/core/haproxy/render.ts';
import { decodeHeartbeat } from '../../src/core/heartbeat/decode.ts';
import { renderVrrpConfiguration } from '../../src/core/keepalived/vrrp/render.ts';
import {
  aListener,
  aLoadBalancer,
  aMember,
  aPool,
  aVip,
  defaultSettings,
  loadBalancerId,
} from '../golden/haproxy/build.ts';
import { SANDBOX_WITHIN_MS } from '../kit/agent-sandbox.ts';
import { type HeartbeatListener, listenForHeartbeats } from '../kit/heartbeats.ts';
import { agentIsImpossible, type OctaviaAgent, startOctaviaAgent } from '../kit/octavia-agent.ts';
import { startPatientLoad } from '../kit/patient-load.ts';

const vip = { address: '169.254.77.101', subnetCidr: '169.254.77.0/24' };
const patience = { timeout: 60_000, interval: 100 };

interface Member {
  octavia: OctaviaAgent;
  vrrpIp: string;
  priority: number;
  macAddress: string;
}

describe.skipIf(agentIsImpossible !== null)("a pair of Octavia's agents", { timeout: 240_000 }, () => {
  let master: Member;
  let backup: Member;
  let server: Server;
  let heartbeats: HeartbeatListener;

  beforeAll(async () => {
    const start = async (beside: boolean): Promise<Member> => ({
      octavia: await startOctaviaAgent({ heartbeatIntervalSeconds: 1, topology: 'ACTIVE_STANDBY', beside }),
      vrrpIp: `169.254.77.11${beside ? 2 : 1}`,
      priority: beside ? 90 : 100,
      macAddress: '',
    });
    master = await start(false);
    backup = await start(true);
    server = createServer((_request, answer) => answer.end('member'));
    await new Promise<void>((resolve) => server.listen(0, master.octavia.host, resolve));
    heartbeats = await listenForHeartbeats(master.octavia.host, master.octavia.heartbeatPort);
  }, 2 * SANDBOX_WITHIN_MS);
  afterAll(async () => {
    heartbeats?.close();
    server?.close();
    server?.closeAllConnections();
    await backup?.octavia.close();
    await master?.octavia.close();
  }, 60_000);

  const ask = (timeout = 500) =>
    new Promise<boolean>((resolve) => {
      const request = get({ host: vip.address, port: 80, agent: false, timeout }, (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode === 200));
        answer.on('error', () => resolve(false));
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(false));
    });

  /** Who has said that it has the VIP, by the address of its interface. */
  async function holder(): Promise<'master' | 'backup' | null> {
    if (!(await ask())) return null;
    const known = execFileSync('ip', ['neigh', 'show', vip.address], { encoding: 'utf8' });
    if (known.includes(master.macAddress)) return 'master';
    return known.includes(backup.macAddress) ? 'backup' : null;
  }

  async function configure(one: Member): Promise<void> {
    const { agent, amphora, host } = one.octavia;
    one.macAddress = one.octavia.attachInterface();
    await agent.plugVip(amphora, vip.address, {
      ...{ ...vip, vrrpIp: one.vrrpIp, macAddress: one.macAddress },
      ...{ gateway: null, mtu: 1450, hostRoutes: [], additionalVips: [], isSriov: false },
    });
    const pool = aPool({
      members: [aMember({ address: host, protocolPort: (server.address() as AddressInfo).port }, 1)],
    });
    const tree = {
      ...{ loadBalancer: aLoadBalancer({ topology: 'ACTIVE_STANDBY', vip: aVip(vip.address) }) },
      ...{ listeners: [aListener()], pools: [pool] },
    };
    const peers = [master, backup].map(({ octavia, vrrpIp }) => ({ amphoraId: octavia.amphora.id, address: vrrpIp }));
    const haproxy = renderHaproxyConfiguration(tree, { listeners: {}, pools: {} }, { ...defaultSettings, peers });
    await agent.uploadHaproxyConfiguration(amphora, loadBalancerId, haproxy);
    await agent.act(amphora, loadBalancerId, 'start');
    const other = one === master ? backup : master;
    const vrrp = renderVrrpConfiguration(
      {
        ...{
          loadBalancerId,
          interfaceName: (await agent.getInterface(amphora, one.vrrpIp)) ?? '',
          virtualRouterId: 77,
        },
        ...{ priority: one.priority, vrrpIp: one.vrrpIp, peerIps: [other.vrrpIp] },
        ...{ vip: { ...vip, gateway: null, hostRoutes: [] }, additionalVips: [] },
      },
      {
        ...{ basePath: defaultSettings.basePath, advertIntervalSeconds: 1, checkIntervalSeconds: 1, failCount: 2 },
        ...{ successCount: 1, garpRefreshIntervalSeconds: 5, garpRefreshCount: 2, authenticationKey: 'insecure' },
      },
    );
    await agent.uploadVrrpConfiguration(amphora, vrrp);
  }

  const actOnVrrp = ({ octavia: { agent, amphora } }: Member, action: 'start' | 'stop') =>
    agent.actOnVrrp(amphora, action);

  /** Whose heartbeats come within so many seconds. */
  async function heardWithin(seconds: number): Promise<Set<string>> {
    const ids = new Set<string>();
    const untilMs = performance.now() + seconds * 1_000;
    while (performance.now() < untilMs) {
      const packet = await Promise.race([heartbeats.next(), sleep(1_000, null)]);
      const decoded = packet && decodeHeartbeat(packet, master.octavia.heartbeatKey);
      if (decoded?.ok) ids.add(decoded.heartbeat.amphoraId);
    }
    return ids;
  }

  it('nobody has the VIP before keepalived says so; the first that begins takes it, and both send heartbeats', async () => {
    await configure(master);
    await configure(backup);
    expect(await holder()).toBeNull();
    await actOnVrrp(master, 'start');
    await expect.poll(holder, patience).toBe('master');
    await actOnVrrp(backup, 'start');
    const both = [master, backup].map(({ octavia }) => octavia.amphora.id).sort();
    await expect.poll(async () => [...(await heardWithin(3))].sort(), patience).toEqual(both);
    expect(await holder()).toBe('master');
  });

  it('a planned hand-over fails no request; who has handed over sends no heartbeats, and does not take the VIP back', async () => {
    await sleep(4_000); // The other one has heard that somebody has the VIP.
    const clientsSee = startPatientLoad(Array.from({ length: 4 }, () => () => ask(20_000)));
    await sleep(500);
    await actOnVrrp(master, 'stop');
    await expect.poll(holder, patience).toBe('backup');
    await sleep(1_500);
    const seen = await clientsSee.end();
    console.log(`handed over by Octavia's agent: ${JSON.stringify(seen)}`);
    expect(seen.failed).toBe(0);
    expect(seen.askedAgain).toBeLessThanOrEqual(4);
    await expect.poll(async () => [...(await heardWithin(4))], patience).toEqual([backup.octavia.amphora.id]);
    await actOnVrrp(master, 'start');
    await sleep(5_000);
    expect(await holder()).toBe('backup');
  });

  it('HAProxy of the one that serves is killed: the agent’s check finds that, and the other one takes over', async () => {
    // By the agent it would be no fault: it no longer checks what it has been asked to stop.
    backup.octavia.inside('pkill', '-KILL', 'haproxy');
    await expect.poll(holder, patience).toBe('master');
  });
});
