import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { createAmphoraDirectory } from '../../src/adapters/storage/amphora-directory.ts';
import { createAmphoraStore } from '../../src/adapters/storage/amphora-store.ts';
import { openDatabase } from '../../src/adapters/storage/database.ts';
import { createHealthStore } from '../../src/adapters/storage/health-store.ts';
import { createLoadBalancerStore } from '../../src/adapters/storage/load-balancer-store.ts';
import { createUdpReceiver } from '../../src/adapters/udp/receiver.ts';
import { renderHaproxyConfiguration } from '../../src/core/haproxy/render.ts';
import { createHealthManager, type HealthManager } from '../../src/health/health-manager.ts';
import type { HealthStore } from '../../src/ports/health-store.ts';
import type { LoadBalancerStore } from '../../src/ports/load-balancer-store.ts';
import { defaultSettings } from '../golden/haproxy/build.ts';
import { SANDBOX_WITHIN_MS } from '../kit/agent-sandbox.ts';
import { storedAmphora } from '../kit/contract/amphora-store.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';
import { agentIsImpossible, type OctaviaAgent, startOctaviaAgent } from '../kit/octavia-agent.ts';
import {
  storedHealthMonitor,
  storedListener,
  storedLoadBalancer,
  storedMember,
  storedPool,
} from '../kit/stored-resources.ts';

/**
 * From the real HAProxy to the API's words: Octavia's own agent watches a load balancer that Kiln rendered, and Kiln's
 * health manager takes its heartbeats. Tests build on each other.
 */

const vip = { address: '169.254.77.101', vrrpIp: '169.254.77.102', subnetCidr: '169.254.77.0/24' };
const ids = {
  loadBalancer: randomUUID(),
  listener: randomUUID(),
  pool: randomUUID(),
  members: [randomUUID(), randomUUID()] as const,
};
const patience = { timeout: 60_000, interval: 200 };

describe.skipIf(agentIsImpossible !== null)("heartbeats of Octavia's agent", { timeout: 180_000 }, () => {
  const clock = createSystemClock();
  const folder = mkdtempSync(join(tmpdir(), 'kiln-octavia-heartbeats-'));
  const log = createFakeLog();
  let octavia: OctaviaAgent;
  let database: Awaited<ReturnType<typeof openDatabase>>;
  let store: LoadBalancerStore;
  let health: HealthStore;
  let manager: HealthManager;
  let servers: Server[];

  beforeAll(async () => {
    octavia = await startOctaviaAgent({ heartbeatIntervalSeconds: 1 });
    servers = [await startMember(octavia.host), await startMember(octavia.host)];
    database = await openDatabase(`sqlite:///${folder}/kiln.sqlite`, clock);
    store = createLoadBalancerStore(database, clock);
    health = createHealthStore(database, clock);
    await store.apply({
      loadBalancerId: ids.loadBalancer,
      mutableFrom: [],
      operation: null,
      rows: rows(octavia.host, servers.map(portOf)),
    });
    const { id } = octavia.amphora;
    await createAmphoraStore(database, clock).insert(
      storedAmphora(id, { loadBalancerId: ids.loadBalancer, status: 'ALLOCATED' }),
    );
    manager = createHealthManager({
      datagrams: createUdpReceiver({ address: octavia.host, port: octavia.heartbeatPort }),
      directory: createAmphoraDirectory(database, clock, () => 60),
      loadBalancers: store,
      health,
      clock,
      log,
      settings: () => ({
        heartbeatKey: octavia.heartbeatKey,
        previousHeartbeatKeys: [],
        heartbeatIntervalSeconds: 1,
        controllers: 1,
      }),
    });
    await manager.start();
  }, SANDBOX_WITHIN_MS);
  afterAll(async () => {
    await manager?.stop();
    await database?.destroy();
    for (const server of servers ?? []) stopMember(server);
    await octavia?.close();
    rmSync(folder, { recursive: true });
  });

  async function statuses() {
    const tree = await store.tree(ids.loadBalancer);
    const [pool] = tree?.pools ?? [];
    return {
      loadBalancer: tree?.loadBalancer.operatingStatus,
      listener: tree?.listeners[0]?.operatingStatus,
      pool: pool?.operatingStatus,
      members: ids.members.map((id) => pool?.members.find((member) => member.id === id)?.operatingStatus),
    };
  }

  it('an amphora without its listener is no healthy one', async () => {
    await expect.poll(statuses, patience).toMatchObject({ listener: 'ERROR', pool: 'OFFLINE' });
    expect(await health.lastHeard(octavia.amphora.id)).toBeNull();
  });

  it('all is ONLINE when HAProxy runs', async () => {
    const { agent, amphora } = octavia;
    const tree = await store.tree(ids.loadBalancer);
    if (!tree) return expect.unreachable();
    await agent.plugVip(amphora, vip.address, {
      ...vip,
      gateway: null,
      macAddress: octavia.attachInterface(),
      mtu: 1450,
      hostRoutes: [],
      additionalVips: [],
      isSriov: false,
    });
    const configuration = renderHaproxyConfiguration(tree, { listeners: {}, pools: {} }, defaultSettings);
    await agent.uploadHaproxyConfiguration(amphora, ids.loadBalancer, configuration);
    await agent.act(amphora, ids.loadBalancer, 'start');
    await expect.poll(statuses, patience).toEqual({
      loadBalancer: 'ONLINE',
      listener: 'ONLINE',
      pool: 'ONLINE',
      members: ['ONLINE', 'ONLINE'],
    });
    await expect.poll(() => health.lastHeard(amphora.id), patience).not.toBeNull();
  });

  it('traffic is counted', async () => {
    for (let n = 0; n < 7; n++) {
      const answer = await fetch(`http://${vip.address}:8080/`, { headers: { connection: 'close' } });
      expect(await answer.text()).toBe('x'.repeat(1_000));
    }
    await expect
      .poll(() => health.statisticsOfLoadBalancer(ids.loadBalancer), patience)
      .toMatchObject({ totalConnections: 7, activeConnections: 0, requestErrors: 0 });
    const sum = await health.statisticsOfListener(ids.listener);
    expect(sum.bytesOut).toBeGreaterThan(7_000);
    expect(sum.bytesIn).toBeGreaterThan(100);
    expect(sum.bytesIn).toBeLessThan(7_000);
  });

  it('a member that dies is ERROR, and then its pool', async () => {
    stopMember(servers[0]);
    await expect.poll(statuses, patience).toEqual({
      loadBalancer: 'DEGRADED',
      listener: 'ONLINE',
      pool: 'DEGRADED',
      members: ['ERROR', 'ONLINE'],
    });
    stopMember(servers[1]);
    await expect.poll(statuses, patience).toEqual({
      loadBalancer: 'ERROR',
      listener: 'ONLINE',
      pool: 'ERROR',
      members: ['ERROR', 'ERROR'],
    });
    expect(manager.stats()).toMatchObject({ dropped: {}, held: 0, unknownAmphorae: 0 });
  });
});

function rows(host: string, ports: readonly number[]) {
  const { loadBalancer, listener, pool, members } = ids;
  const offline = { operatingStatus: 'OFFLINE' as const };
  return [
    {
      kind: 'loadbalancer' as const,
      put: storedLoadBalancer(loadBalancer, {
        ...offline,
        vip: { address: vip.address, networkId: 'net', subnetId: null, portId: null, octaviaOwned: true },
      }),
    },
    {
      kind: 'listener' as const,
      put: storedListener(listener, loadBalancer, { ...offline, protocolPort: 8080, defaultPoolId: pool }),
    },
    { kind: 'pool' as const, put: storedPool(pool, loadBalancer, offline) },
    ...members.map((id, n) => ({
      kind: 'member' as const,
      put: storedMember(id, pool, {
        ...offline,
        address: host,
        protocolPort: ports[n] ?? 0,
      }),
    })),
    {
      kind: 'healthmonitor' as const,
      put: storedHealthMonitor(randomUUID(), pool, {
        type: 'TCP',
        delay: 1,
        timeout: 1,
        maxRetries: 1,
        maxRetriesDown: 1,
      }),
    },
  ];
}

async function startMember(host: string): Promise<Server> {
  const server = createServer((_, response) => response.end('x'.repeat(1_000)));
  server.listen(0, host);
  await once(server, 'listening');
  return server;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

function stopMember(server: Server | undefined): void {
  server?.closeAllConnections();
  server?.close();
}
