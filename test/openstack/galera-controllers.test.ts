import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { openState } from '../../src/main/state.ts';
import { makeVirtualHost } from '../kit/broker.ts';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { freePort } from '../kit/free-port.ts';
import { type GaleraCluster, galeraIsImpossible, startGaleraCluster } from '../kit/galera-cluster.ts';
import { type KilnProcess, startKiln } from '../kit/kiln-process.ts';
import { vipSubnetOf } from '../kit/load-balancers.ts';

/** An API and a worker, processes of their own, on a Galera cluster of three of which one node is killed in the middle of their work. */

const impossible = galeraIsImpossible();
const LOAD_BALANCERS = 4;
const WITHIN_MS = 240_000;

interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  body: any;
}

describe.skipIf(impossible !== null)(`controllers on a Galera cluster (${impossible ?? 'three nodes'})`, () => {
  let dev: DevCloud;
  let cluster: GaleraCluster;
  let database: Awaited<ReturnType<GaleraCluster['makeDatabase']>>;
  let broker: Awaited<ReturnType<typeof makeVirtualHost>>;
  let processes: KilnProcess[];
  let apiUrl: string;
  let vipSubnetId: string;

  beforeAll(async () => {
    processes = [];
    dev = await startDevCloud();
    broker = await makeVirtualHost();
    cluster = await startGaleraCluster();
    database = await cluster.makeDatabase();
    vipSubnetId = await vipSubnetOf(dev);
    const port = await freePort();
    apiUrl = `http://127.0.0.1:${port}/v2/lbaas`;
    for (const role of ['api', 'worker']) {
      const serve = startKiln(['serve', '--role', role], {
        ...dev.environment,
        OS_DATABASE__CONNECTION: database.connection,
        OS_DEFAULT__TRANSPORT_URL: broker.url(),
        OS_API_SETTINGS__AUTH_STRATEGY: 'noauth',
        OS_API_SETTINGS__BIND_PORT: String(port),
        OS_KILN__STATE_PATH: join(dev.folder, role),
        OS_KILN__WORKER_LEASE_SECONDS: '10',
      });
      processes.push(serve);
      await serve.line(/"msg":"serving"/);
    }
  }, 400_000);
  afterAll(async () => {
    await Promise.all((processes ?? []).map((serve) => serve.stop()));
    await database?.close();
    await cluster?.close();
    await broker?.close();
    await dev?.close();
  }, 120_000);

  /** Status 0: nobody answered. */
  async function call(method: string, path: string, body?: object): Promise<Answer> {
    try {
      const answer = await fetch(apiUrl + path, {
        method,
        headers: { 'x-project-id': dev.cloud.accounts.kiln.projectId, 'content-type': 'application/json' },
        signal: AbortSignal.timeout(30_000),
        ...(body && { body: JSON.stringify(body) }),
      });
      return { status: answer.status, body: await answer.json().catch(() => null) };
    } catch {
      return { status: 0, body: null };
    }
  }

  /** As a client that asks again for as long as it is asked to; nothing else than that may be said. */
  async function persist(method: string, path: string, body?: object): Promise<Answer> {
    for (;;) {
      const answer = await call(method, path, body);
      if (answer.status > 0 && answer.status < 300) return answer;
      if (answer.status === 404 && method === 'DELETE') return answer;
      expect([0, 409, 503], JSON.stringify(answer.body)).toContain(answer.status);
      await pause(300);
    }
  }
  const listed = async (): Promise<{ id: string; name: string; description: string; provisioning_status: string }[]> =>
    (await persist('GET', '/loadbalancers')).body.loadbalancers;

  /** A creation whose answer was lost may have been made: its name tells. */
  async function create(name: string): Promise<string> {
    for (;;) {
      const { status, body } = await call('POST', '/loadbalancers', {
        loadbalancer: { name, vip_subnet_id: vipSubnetId },
      });
      if (status === 201) return body.loadbalancer.id;
      expect([0, 503], JSON.stringify(body)).toContain(status);
      await pause(300);
      const made = (await listed()).find((one) => one.name === name);
      if (made) return made.id;
    }
  }

  it('all that was asked for is done once, through the death of a node and with it back', async () => {
    const [victim] = cluster.nodes;
    const names = Array.from({ length: LOAD_BALANCERS }, (_none, index) => `lb-${index}`);
    const work = Promise.all(
      names.map(async (name) => {
        const id = await create(name);
        await persist('PUT', `/loadbalancers/${id}`, { loadbalancer: { description: `changed ${name}` } });
        return id;
      }),
    );
    await expect.poll(async () => (await listed()).length, { timeout: WITHIN_MS }).toBeGreaterThan(0);
    await victim?.kill();
    const ids = await work;
    const statuses = async () =>
      (await listed()).map((one) => `${one.name} ${one.provisioning_status} ${one.description}`);
    await expect
      .poll(async () => (await statuses()).sort(), { timeout: WITHIN_MS, interval: 500 })
      .toEqual(names.map((name) => `${name} ACTIVE changed ${name}`));

    await victim?.start();
    await expect.poll(() => victim?.clusterSize(), { timeout: WITHIN_MS }).toBe(cluster.nodes.length);
    const state = await openState(victim?.connectionTo(database.name) ?? '', createSystemClock());
    try {
      const amphorae = (await state.amphorae.list({})).filter(({ status }) => status !== 'DELETED');
      expect(amphorae.map(({ status }) => status)).toEqual(names.map(() => 'ALLOCATED'));
      for (const { serverName, computeId } of amphorae) {
        const servers = await dev.openstack.compute.findServersByName(serverName);
        expect(servers.map(({ id }) => id)).toEqual([computeId]);
      }
      const operations = await state.journal.list({ limit: 100 });
      expect(operations.map(({ status }) => status)).toEqual(operations.map(() => 'done'));
      await Promise.all(ids.map((id) => persist('DELETE', `/loadbalancers/${id}?cascade=true`)));
      await expect.poll(listed, { timeout: WITHIN_MS, interval: 500 }).toEqual([]);
      for (const { serverName } of amphorae)
        expect(await dev.openstack.compute.findServersByName(serverName)).toEqual([]);
    } finally {
      await state.close();
    }
  }, 900_000);
});
