import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { openState, type State } from '../../src/main/state.ts';
import { unendedStatuses } from '../../src/model/operation.ts';
import { type ControllerCluster, startControllerCluster } from '../kit/controller-cluster.ts';
import { vipSubnetOf } from '../kit/load-balancers.ts';
import { seededRandom } from '../kit/seeded-random.ts';

/**
 * Many processes of Kiln over a real MariaDB and a real RabbitMQ, and users who create, change, fail over and delete load
 * balancers, while processes are killed, connections cut and amphorae lost. In the end everything is ACTIVE or deleted,
 * and the cloud has what belongs to it, once.
 *
 * KILN_TEST_LOAD_BALANCERS: how many (each amphora is a real one of about 100 MiB). KILN_TEST_PAIR_EVERY: each so many-th is a pair;
 * 0: none. KILN_TEST_SEED: repeats a run. KILN_TEST_CHAOS_SECONDS, KILN_TEST_SETTLE_SECONDS: how long.
 */
const count = Number(process.env.KILN_TEST_LOAD_BALANCERS || 6);
const seed = Number(process.env.KILN_TEST_SEED || Date.now() % 1_000_000);
const chaosSeconds = Number(process.env.KILN_TEST_CHAOS_SECONDS || 60);
const settleSeconds = Number(process.env.KILN_TEST_SETTLE_SECONDS || 300);
const pairEvery = Number(process.env.KILN_TEST_PAIR_EVERY || 0);

let cluster: ControllerCluster;
let state: State;
let vipSubnetId: string;
let pairFlavorId: string;
let member: Server;

beforeAll(async () => {
  cluster = await startControllerCluster();
  state = await openState(cluster.connection, createSystemClock());
  before = new Set(Object.values(await inCloud()).flat());
  if (pairEvery > 0) pairFlavorId = await makePairFlavor();
  vipSubnetId = await vipSubnetOf(cluster.dev);
  member = createServer((_request, answer) => answer.end('member'));
  await new Promise<void>((resolve) => member.listen(0, '127.0.0.1', resolve));
}, 240_000);
afterAll(async () => {
  member?.close();
  await state?.close();
  await cluster?.close();
}, 240_000);

interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  body: any;
}

/** Status 0: nobody answered, and nobody knows what became of the request. */
async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  try {
    const answer = await fetch(`${cluster.apiUrl}/v2/lbaas${path}`, {
      method,
      headers: { 'x-project-id': cluster.dev.cloud.accounts.kiln.projectId, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(30_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json().catch(() => null) };
  } catch {
    return { status: 0, body: null };
  }
}

/** As a patient client: again while the API is away or the load balancer is busy. */
async function persist(method: string, path: string, body?: unknown): Promise<Answer> {
  for (;;) {
    const answer = await call(method, path, body);
    if (![0, 409, 503].includes(answer.status)) return answer;
    await pause(500);
  }
}

const listed = async (): Promise<{ id: string; name: string; provisioning_status: string; vip_address: string }[]> =>
  (await persist('GET', '/loadbalancers')).body.loadbalancers;

/** Names of pairs begin with it. */
const PAIR = 'pair';

async function makePairFlavor(): Promise<string> {
  const data = JSON.stringify({ loadbalancer_topology: 'ACTIVE_STANDBY' });
  const flavorprofile = { name: PAIR, provider_name: 'amphora', flavor_data: data };
  const profile = (await persist('POST', '/flavorprofiles', { flavorprofile })).body.flavorprofile;
  const flavor = { name: PAIR, flavor_profile_id: profile.id, enabled: true };
  return (await persist('POST', '/flavors', { flavor })).body.flavor.id;
}

const wanted = (name: string) => ({
  loadbalancer: {
    name,
    ...(name.startsWith(PAIR) ? { flavor_id: pairFlavorId } : {}),
    vip_subnet_id: vipSubnetId,
    listeners: [
      {
        protocol: 'HTTP',
        protocol_port: 8080,
        default_pool: {
          name: 'pool',
          protocol: 'HTTP',
          lb_algorithm: 'ROUND_ROBIN',
          members: [{ address: '127.0.0.1', protocol_port: (member.address() as AddressInfo).port }],
        },
      },
    ],
  },
});

/** A lost answer to a creation is looked up by the name. */
async function create(name: string): Promise<string> {
  for (;;) {
    const { status, body } = await call('POST', '/loadbalancers', wanted(name));
    if (status === 201) return body.loadbalancer.id;
    if (![0, 503].includes(status)) throw new Error(`POST ${name}: ${status} ${JSON.stringify(body)}`);
    await pause(500);
    const made = (await listed()).find((one) => one.name === name);
    if (made) return made.id;
  }
}

/** What one user does, until the time is over. */
async function useLoadBalancer(name: string, number: number, untilMs: number): Promise<void> {
  const random = seededRandom(seed + 1 + number);
  let id = await create(name);
  while (performance.now() < untilMs) {
    const path = `/loadbalancers/${id}`;
    const wish = random.pick(['rename', 'listener', 'failover', 'delete', 'wait', 'wait']);
    if (wish === 'rename') await persist('PUT', path, { loadbalancer: { description: `${random.integer(1_000)}` } });
    if (wish === 'listener') {
      const listener = { loadbalancer_id: id, protocol: 'TCP', protocol_port: 9_000 + random.integer(500) };
      await call('POST', '/listeners', { listener });
    }
    if (wish === 'failover') await call('PUT', `${path}/failover`);
    if (wish === 'delete') {
      await persist('DELETE', `${path}?cascade=true`);
      id = await create(`${name}-${random.integer(1_000_000)}`);
    }
    await pause(1_000 + random.integer(4_000));
  }
}

/** One thing goes wrong after the other. @returns what did. */
async function breakThings(untilMs: number): Promise<string[]> {
  const random = seededRandom(seed);
  const done: string[] = [];
  const { controllers, workerToBroker, toBroker } = cluster;
  const faults: Record<string, () => Promise<unknown>> = {
    kill: async () => {
      const victim = random.pick(controllers);
      done.push(`kill ${victim.name}`);
      await victim.replace();
    },
    database: () => cluster.killDatabaseConnections(),
    broker: async () => {
      await Promise.all([toBroker.down(), workerToBroker.down()]);
      await pause(1_000 + random.integer(4_000));
      await Promise.all([toBroker.up(), workerToBroker.up()]);
    },
    'worker from broker': async () => {
      workerToBroker.silence();
      await pause(1_000 + random.integer(4_000));
      workerToBroker.cut();
    },
    amphora: async () => {
      const serving = (await state.amphorae.list({})).filter(({ status }) => status === 'ALLOCATED');
      const { computeId } = serving.length > 0 ? random.pick(serving) : { computeId: null };
      if (computeId) cluster.killServer(computeId);
    },
  };
  while (performance.now() < untilMs) {
    const name = random.pick(['kill', 'kill', 'kill', ...Object.keys(faults)]);
    done.push(name);
    await faults[name]?.();
    await pause(500 + random.integer(2_000));
  }
  return done;
}

it(`${count} load balancers outlive ${chaosSeconds} s of faults (seed ${seed})`, {
  timeout: (chaosSeconds + 3 * settleSeconds) * 1_000,
}, async () => {
  const untilMs = performance.now() + chaosSeconds * 1_000;
  const nameOf = (index: number) => `${pairEvery > 0 && index % pairEvery === 0 ? PAIR : 'lb'}-${index}`;
  const users = Array.from({ length: count }, (_none, index) => useLoadBalancer(nameOf(index), index, untilMs));
  const [faults] = await Promise.all([breakThings(untilMs), ...users]);
  console.log(`seed ${seed}: ${faults.join(', ')}`);

  const statuses = async () =>
    (await listed()).map((one) => `${one.id} ${one.provisioning_status}`).filter((text) => !text.endsWith('ACTIVE'));
  await expect.poll(statuses, { timeout: settleSeconds * 1_000, interval: 1_000 }).toEqual([]);
  const all = await listed();
  expect(all.length).toBeGreaterThanOrEqual(count);

  // An amphora that died last is being replaced; then each load balancer answers, from one amphora, in one server.
  await expect
    .poll(
      async () => {
        const answers = await Promise.all(all.map(({ vip_address: vip }) => bodyOf(`http://${vip}:8080/`)));
        return answers.filter((answer) => answer !== 'member').length;
      },
      { timeout: settleSeconds * 1_000, interval: 1_000 },
    )
    .toBe(0);
  await expect.poll(unended, { timeout: settleSeconds * 1_000, interval: 1_000 }).toEqual([]);
  const amphorae = (await state.amphorae.list({})).filter(({ status }) => status !== 'DELETED');
  expect(amphorae.filter(({ status }) => status !== 'ALLOCATED')).toEqual([]);
  const rolesOf = (id: string) =>
    amphorae.filter(({ loadBalancerId }) => loadBalancerId === id).map(({ role }) => role);
  for (const { id, name } of all) {
    expect(rolesOf(id).sort(), name).toEqual(name.startsWith(PAIR) ? ['BACKUP', 'MASTER'] : ['STANDALONE']);
  }
  expect((await inCloud()).servers.sort()).toEqual(amphorae.map(({ computeId }) => computeId).sort());

  for (const { id } of all) await persist('DELETE', `/loadbalancers/${id}?cascade=true`);
  await expect.poll(listed, { timeout: settleSeconds * 1_000, interval: 1_000 }).toEqual([]);
  await expect.poll(unended, { timeout: settleSeconds * 1_000, interval: 1_000 }).toEqual([]);
  // The address of a creation that an API process did not live to see is given back after a while: it is over.
  await state.database
    .updateTable('kiln_vip_reservation')
    .set({ reserved_at: new Date(0).toISOString() })
    .execute();
  await expect.poll(inCloud, { timeout: settleSeconds * 1_000, interval: 1_000 }).toEqual({
    servers: [],
    ports: [],
    securityGroups: [],
  });
});

const bodyOf = (url: string) =>
  fetch(url, { signal: AbortSignal.timeout(5_000), headers: { connection: 'close' } }).then(
    (answer) => answer.text(),
    () => null,
  );

const unended = async () =>
  (await state.journal.list({ limit: 10_000 }))
    .filter(({ status }) => unendedStatuses.includes(status))
    .map(({ id, flow, status, worker, reason }) => ({ id, flow, status, worker, reason }));

/** What Kiln's own user has in the cloud beyond what was there before: IDs. */
async function inCloud(): Promise<Record<'servers' | 'ports' | 'securityGroups', string[]>> {
  const [servers, ports, securityGroups] = await Promise.all([
    idsAt('/compute/v2.1/servers', 'servers'),
    idsAt('/network/v2.0/ports', 'ports'),
    idsAt('/network/v2.0/security-groups', 'security_groups'),
  ]);
  return { servers, ports, securityGroups };
}

let before = new Set<string>();
async function idsAt(path: string, key: string): Promise<string[]> {
  const { authUrl, userName, password, projectName } = cluster.dev.cloud.accounts.kiln;
  const domain = { name: 'Default' };
  const identity = { methods: ['password'], password: { user: { name: userName, domain, password } } };
  const login = await fetch(`${authUrl}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth: { identity, scope: { project: { name: projectName, domain } } } }),
  });
  const headers = { 'x-auth-token': login.headers.get('x-subject-token') ?? '' };
  const answer = await fetch(`${cluster.dev.cloud.url}${path}`, { headers });
  const rows = ((await answer.json()) as Record<string, { id: string }[]>)[key] ?? [];
  return rows.map(({ id }) => id).filter((id) => !before.has(id));
}
