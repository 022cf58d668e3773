import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createAmphoraStore } from '../../src/adapters/storage/amphora-store.ts';
import { openDatabase } from '../../src/adapters/storage/database.ts';
import { createHealthStore } from '../../src/adapters/storage/health-store.ts';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { createLoadBalancerStore } from '../../src/adapters/storage/load-balancer-store.ts';
import { toRow } from '../../src/adapters/storage/resource-tables.ts';
import type { KilnDatabase } from '../../src/adapters/storage/schema.ts';
import { createSilenceStore } from '../../src/adapters/storage/silence-store.ts';
import { createSilenceMonitor, type SilenceMonitor } from '../../src/health/silence-monitor.ts';
import { KilnError } from '../../src/model/errors.ts';
import { createFakeClock, type FakeClock } from '../kit/fakes/fake-clock.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';
import { sqliteIn } from '../kit/sqlite.ts';
import { storedLoadBalancer } from '../kit/stored-resources.ts';

/**
 * A fleet of amphorae in a real database, by a clock that the test moves. Two controllers, each with a connection of its own,
 * look for silence; one of them is replaced in the middle. Agents, Nova and the failovers themselves are played: a failover
 * takes five seconds.
 */

const settings = {
  heartbeatTimeoutSeconds: 30,
  healthCheckIntervalSeconds: 3,
  failoverThreads: 10,
  failoverThreshold: null,
  heartbeatIntervalSeconds: 10,
  heartbeatsAreSent: true,
};
const FAILOVER_SECONDS = 5;

let folder: string;
let clock: FakeClock;
let world: KilnDatabase;
let controllers: { database: KilnDatabase; monitor: SilenceMonitor; statements: string[] }[];
/** Amphorae that live. */
let alive: Set<string>;
/** Failovers by amphora. */
let failovers: Map<string, number>;
let mostAtOnce: number;
/** Whose agents answer, though their heartbeats don't come. */
let answering: Set<string>;
let novaAnswers: boolean;
/** For these Nova has no room. */
let irreplaceable: Set<string>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-silence-'));
  clock = createFakeClock({ start: '2026-11-23T12:00:00Z' });
  world = await openDatabase(await sqliteIn(folder), clock);
  controllers = [];
  alive = new Set();
  failovers = new Map();
  mostAtOnce = 0;
  answering = new Set();
  novaAnswers = true;
  irreplaceable = new Set();
});
afterEach(async () => {
  for (const controller of controllers) await end(controller);
  await world.destroy();
  rmSync(folder, { recursive: true });
});

async function end({ monitor, database }: (typeof controllers)[number]): Promise<void> {
  const stopped = monitor.stop();
  await clock.advance(0);
  await stopped;
  await database.destroy();
}

async function startController(): Promise<void> {
  const statements: string[] = [];
  const database = await openDatabase(`sqlite:///${folder}/kiln.sqlite`, clock, ({ query }) => {
    if (!/^(begin|start transaction|set transaction|commit)/.test(query.sql)) statements.push(query.sql);
  });
  statements.length = 0;
  const silent = async () => {
    throw new KilnError('AGENT_UNREACHABLE', 'nothing answers');
  };
  const details = { hostname: '', haproxyVersion: '', runningHaproxyCount: 1, listenerIds: [] };
  const id = controllers.length;
  let examined = 0;
  const monitor = createSilenceMonitor({
    silences: createSilenceStore(database, clock),
    amphorae: createAmphoraStore(database, clock),
    loadBalancers: createLoadBalancerStore(database, clock),
    agent: {
      getDetails: async ({ id: amphoraId }) => (answering.has(amphoraId) ? (details as never) : await silent()),
      listListeners: silent,
      act: silent,
      actOnVrrp: async () => {},
    },
    compute: {
      getServer: async () => {
        if (!novaAnswers) throw new KilnError('SERVICE_UNREACHABLE', 'Nova is away');
        throw new KilnError('SERVICE_NOT_FOUND', 'it is gone');
      },
    },
    queue: { announce: () => {} },
    clock,
    log: createFakeLog(),
    newId: () => `c${id}-${statements.length}-${++examined}`,
    isRecording: () => true,
    settings: () => settings,
  });
  monitor.start();
  controllers.push({ database, monitor, statements });
}

/** A fleet, all of it heard of just now. */
async function fleet(size: number): Promise<void> {
  const now = clock.now().toISOString();
  const ids = Array.from({ length: size }, (_, n) => `${n}`);
  for (let at = 0; at < size; at += 100) {
    const batch = ids.slice(at, at + 100);
    await world
      .insertInto('kiln_load_balancer')
      .values(batch.map((id) => toRow('loadbalancer', storedLoadBalancer(`lb-${id}`, { operatingStatus: 'ONLINE' }))))
      .execute();
    await insertAmphorae(
      batch.map((id) => ({ id: `a-${id}`, loadBalancerId: `lb-${id}` })),
      now,
    );
  }
}

async function insertAmphorae(amphorae: { id: string; loadBalancerId: string }[], now: string): Promise<void> {
  await world
    .insertInto('kiln_amphora')
    .values(
      amphorae.map(({ id, loadBalancerId }) => ({
        id,
        load_balancer_id: loadBalancerId,
        role: 'STANDALONE',
        vrrp_port_id: null,
        vrrp_ip: null,
        ha_port_id: null,
        ha_ip: null,
        status: 'ALLOCATED',
        server_name: `amphora-${id}`,
        compute_id: `server-${id}`,
        lb_network_ip: '192.0.2.1',
        image_id: null,
        image_choice: null,
        compute_flavor: null,
        cached_zone: null,
        cert_expiration: null,
        agent_version: null,
        timings: '{}',
        worker: null,
        reason: null,
        created_at: now,
        updated_at: now,
      })),
    )
    .execute();
  await world
    .insertInto('kiln_amphora_health')
    .values(amphorae.map(({ id }) => ({ amphora_id: id, last_heard: now })))
    .execute();
  for (const { id } of amphorae) alive.add(id);
}

/** What a worker does: as many at once as are asked for. */
function playWorker() {
  const journal = createJournal(world, clock);
  const health = createHealthStore(world, clock);
  const underWay = new Map<string, number>();
  return async () => {
    for (const operation of await journal.unclaimed(1_000)) {
      const claimed = await journal.claim(operation.id, 'w');
      if (!claimed) continue;
      const { id, fence, flow, input } = claimed.operation;
      if (!flow.startsWith('failover-')) {
        await journal.finish(id, fence, 'done', { settlement: null });
        continue;
      }
      underWay.set(id, clock.monotonicMs());
      const { amphoraId } = input as { amphoraId: string };
      failovers.set(amphoraId, (failovers.get(amphoraId) ?? 0) + 1);
      expect(alive, 'only dead ones are failed over').not.toContain(amphoraId);
    }
    mostAtOnce = Math.max(mostAtOnce, underWay.size);
    for (const [id, sinceMs] of underWay) {
      if (clock.monotonicMs() - sinceMs < FAILOVER_SECONDS * 1000) continue;
      underWay.delete(id);
      const operation = (await journal.get(id))?.operation ?? expect.unreachable();
      const { amphoraId, loadBalancerId } = operation.input as { amphoraId: string; loadBalancerId: string };
      const statuses = [
        { kind: 'loadbalancer' as const, ids: [loadBalancerId], provisioningStatus: 'ACTIVE' as const },
      ];
      const settlement = { loadBalancerId, statuses, deletes: [], reason: null };
      if (irreplaceable.has(amphoraId)) {
        const undone = { code: 'SERVICE_LIMIT' as const, message: 'Quota exceeded for instances', advice: '' };
        await journal.finish(id, operation.fence, { undone }, { settlement });
        continue;
      }
      await insertAmphorae([{ id: `${amphoraId}+`, loadBalancerId }], clock.now().toISOString());
      await health.forget(amphoraId);
      await world.updateTable('kiln_amphora').set({ status: 'DELETED' }).where('id', '=', amphoraId).execute();
      await journal.finish(id, operation.fence, 'done', { settlement });
    }
  };
}

/** Lets so many seconds pass; all amphorae that live are heard of every ten. */
async function pass(seconds: number, work: () => Promise<void>): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    if (Math.floor(clock.monotonicMs() / 1_000) % 10 === 0) await hearAll();
    await work();
    await clock.advance(1_000);
  }
}

/** What recording a heartbeat of each comes to, in one statement: a fleet of this size sends 800 a second. */
async function hearAll(): Promise<void> {
  const ids = JSON.stringify([...alive]);
  await sql`
    update kiln_amphora_health
    set last_heard = ${clock.now().toISOString()}, finding = null, attempts = 0, examine_after = null, examiner = null
    where amphora_id in (select value from json_each(${ids}))`.execute(world);
}

/** A fleet, and controllers that have listened for long enough to judge it. @returns what a worker does. */
async function watched(size: number, controllersCount: number): Promise<() => Promise<void>> {
  await fleet(size);
  for (let n = 0; n < controllersCount; n++) await startController();
  const work = playWorker();
  await pass(35, work);
  return work;
}

function fallSilent(count: number): string[] {
  const dead = [...alive].slice(0, count);
  for (const id of dead) alive.delete(id);
  return dead;
}

async function countLoadBalancers(condition: ReturnType<typeof sql>): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from kiln_load_balancer where ${condition}`.execute(
    world,
  );
  return rows[0]?.n ?? -1;
}

async function breaker() {
  const now = clock.now().toISOString();
  return (await createSilenceStore(world, clock).survey({ now, silentBefore: now }, now)).breaker;
}

it('one in a hundred of 8,000 dies: each is failed over once, ten at a time; a controller is replaced in the middle', async () => {
  const work = await watched(8_000, 2);
  expect(failovers.size).toBe(0);
  const dead = fallSilent(80);
  await pass(60, work);
  expect(failovers.size).toBeGreaterThan(0);
  expect(failovers.size).toBeLessThan(80);
  expect(await countLoadBalancers(sql`operating_status = 'ERROR'`)).toBeGreaterThanOrEqual(80 - failovers.size);
  const [first] = controllers.splice(0, 1);
  if (first) await end(first);
  await startController();
  await pass(80, work);
  expect([...failovers.keys()].sort()).toEqual(dead.toSorted());
  expect([...failovers.values()].every((times) => times === 1)).toBe(true);
  expect(mostAtOnce).toBe(settings.failoverThreads);
  expect(await countLoadBalancers(sql`provisioning_status <> 'ACTIVE'`)).toBe(0);
}, 300_000);

it.each([30, 100])(
  'of 8,000, %i in a hundred fall silent: none is failed over; when heartbeats come back, the dead are',
  async (percent) => {
    const work = await watched(8_000, 2);
    const silent = fallSilent(80 * percent);
    await pass(40, work);
    const [second] = controllers.splice(1, 1);
    if (second) await end(second);
    await startController();
    await pass(40, work);
    expect(failovers.size).toBe(0);
    expect(await countLoadBalancers(sql`operating_status = 'ERROR'`)).toBe(80 * percent);
    expect(await breaker()).toMatchObject({ threshold: 800, silentCount: 80 * percent, openSince: expect.any(String) });
    const dead = silent.slice(0, 20);
    for (const id of silent.slice(20)) alive.add(id);
    await pass(30, work);
    expect(await breaker()).toMatchObject({ openSince: null });
    expect(failovers.size).toBe(0);
    await pass(40, work);
    expect([...failovers.keys()].sort()).toEqual(dead.toSorted());
    expect([...failovers.values()].every((times) => times === 1)).toBe(true);
  },
  300_000,
);

it('of 2,000 all heartbeats are lost on their way: who serves is not called dead, nor failed over; who is dead is both', async () => {
  const work = await watched(2_000, 2);
  const silent = fallSilent(2_000);
  const dead = silent.slice(0, 20);
  for (const id of silent.slice(20)) answering.add(id);
  await pass(90, work);
  const loadBalancersOf = (ids: string[]) => sql.join(ids.map((id) => id.replace('a-', 'lb-')));
  const areDead = sql`id in (${loadBalancersOf(dead)})`;
  expect(await countLoadBalancers(sql`operating_status = 'ERROR' and not (${areDead})`)).toBe(0);
  expect(await countLoadBalancers(sql`operating_status = 'ERROR' and ${areDead}`)).toBe(20);
  await pass(120, work);
  expect([...failovers.keys()].sort()).toEqual(dead.toSorted());
  expect(mostAtOnce).toBe(settings.failoverThreads);
  // One that answered dies: it is found out though nobody is heard of.
  const [late = ''] = answering;
  answering.delete(late);
  await pass(60, work);
  expect(failovers.get(late)).toBe(1);
}, 300_000);

it('an operator lets failovers go on: ten at a time, each once, and no new mass of silence with them', async () => {
  const work = await watched(60, 2);
  const dead = fallSilent(20);
  await pass(50, work);
  expect(failovers.size).toBe(0);
  await createSilenceStore(world, clock).resume(clock.now().toISOString());
  await pass(10, work);
  expect(failovers.size).toBeGreaterThanOrEqual(10);
  fallSilent(20);
  await pass(60, work);
  expect([...failovers.keys()].sort()).toEqual(dead.toSorted());
  expect([...failovers.values()].every((times) => times === 1)).toBe(true);
  expect(mostAtOnce).toBe(settings.failoverThreads);
}, 300_000);

it('a look costs as many statements for 8,000 amphorae as for 80, and reads no more of them', async () => {
  const looks = async (size: number) => {
    await fleet(size);
    await startController();
    const work = playWorker();
    await pass(35, work);
    const controller = controllers.at(-1) ?? expect.unreachable();
    controller.statements.length = 0;
    const ticks = controller.monitor.counts().ticks;
    await pass(30, work);
    const looked = controller.monitor.counts().ticks - ticks;
    expect(looked).toBeGreaterThan(8);
    const perLook = controller.statements.length / looked;
    fallSilent(3);
    await pass(50, work);
    expect(failovers.size).toBe(3);
    failovers.clear();
    return { perLook, statements: [...new Set(controller.statements)] };
  };
  const small = await looks(80);
  for (const controller of controllers.splice(0)) await end(controller);
  alive.clear();
  for (const table of ['kiln_amphora', 'kiln_amphora_health', 'kiln_load_balancer'] as const) {
    await world.deleteFrom(table).execute();
  }
  const large = await looks(8_000);
  expect(large.perLook).toBe(small.perLook);
  expect(large.perLook).toBeLessThanOrEqual(3);
  // Each is answered by an index that finds what is silent: none walks through a table, or through all that serve. (How many
  // serve is asked only where many are silent.)
  for (const statement of large.statements) {
    const plan = await sql<{ detail: string }>`explain query plan ${sql.raw(statement.replaceAll('?', "''"))}`.execute(
      world,
    );
    for (const { detail } of plan.rows)
      expect(detail, statement).not.toMatch(/^SCAN (?!CONSTANT ROW)|kiln_amphora_status/);
  }
}, 300_000);

it('a cut while Nova is away too, noticed bit by bit, and Nova comes back first: what was asked about in vain still counts', async () => {
  const work = await watched(20, 1);
  novaAnswers = false;
  for (let bit = 0; bit < 5; bit++) {
    fallSilent(3);
    await pass(10, work);
  }
  await pass(60, work);
  expect(await breaker()).toMatchObject({ openSince: expect.any(String) });
  novaAnswers = true;
  await pass(120, work);
  expect(failovers.size).toBe(0);
}, 300_000);

it('some can not be replaced, for a quota: tried again, with longer and longer pauses, they are in the way of no other', async () => {
  const work = await watched(30, 2);
  const stuck: string[] = [];
  for (let one = 0; one < 6; one++) {
    const [dead = ''] = fallSilent(1);
    irreplaceable.add(dead);
    stuck.push(dead);
    await pass(40, work);
  }
  await pass(900, work);
  const tries = stuck.map((id) => failovers.get(id) ?? 0);
  // 30 s, 1, 2, 4, 8 minutes.
  for (const times of tries) expect([4, 5, 6]).toContain(times);
  // All at once, as after a weekend: there was no more to be seen in that than before.
  await world
    .updateTable('kiln_amphora_health')
    .set({ examine_after: null })
    .where('amphora_id', 'in', stuck)
    .execute();
  await pass(10, work);
  expect(stuck.map((id) => failovers.get(id))).toEqual(tries.map((times) => times + 1));
  expect(await breaker()).toMatchObject({ openSince: null });
  const [other = ''] = fallSilent(1);
  await pass(45, work);
  expect(failovers.get(other)).toBe(1);
  irreplaceable.clear();
  await pass(900, work);
  expect(await countLoadBalancers(sql`provisioning_status <> 'ACTIVE'`)).toBe(0);
  const { rows } = await sql<{ n: number }>`select count(*) as n from kiln_amphora where status = 'ALLOCATED'`.execute(
    world,
  );
  expect(rows[0]?.n).toBe(30);
  const silentNow = {
    now: clock.now().toISOString(),
    silentBefore: new Date(clock.now().getTime() - 30_000).toISOString(),
  };
  expect((await createSilenceStore(world, clock).survey(silentNow, silentNow.now)).silent).toBe(0);
}, 300_000);

it('one that is silent while its load balancer is changed is failed over as soon as the change has ended', async () => {
  const work = await watched(3, 1);
  const [dead = ''] = fallSilent(1);
  const loadBalancerId = dead.replace('a-', 'lb-');
  const hold = (status: string) =>
    world
      .updateTable('kiln_load_balancer')
      .set({ provisioning_status: status })
      .where('id', '=', loadBalancerId)
      .execute();
  await hold('PENDING_UPDATE');
  await pass(60, work);
  expect(failovers.size).toBe(0);
  // What it says of itself is true all the same.
  expect(await countLoadBalancers(sql`id = ${loadBalancerId} and operating_status = 'ERROR'`)).toBe(1);
  await hold('ACTIVE');
  await pass(settings.healthCheckIntervalSeconds + 2, work);
  expect(failovers.get(dead)).toBe(1);
}, 300_000);

it('of a pair, both silent, one answers its second witness: that one gets the addresses for heartbeats again, the other is replaced', async () => {
  await fleet(1);
  await insertAmphorae([{ id: 'b-0', loadBalancerId: 'lb-0' }], clock.now().toISOString());
  await world.updateTable('kiln_load_balancer').set({ topology: 'ACTIVE_STANDBY' }).execute();
  for (const [id, role] of Object.entries({ 'a-0': 'MASTER', 'b-0': 'BACKUP' })) {
    await world.updateTable('kiln_amphora').set({ role }).where('id', '=', id).execute();
  }
  await startController();
  await startController();
  const work = playWorker();
  await pass(35, work);
  fallSilent(2);
  answering.add('a-0');
  await pass(45, work);
  expect([...failovers]).toEqual([['b-0', 1]]);
  expect(await countLoadBalancers(sql`operating_status = 'ERROR'`)).toBe(0);
  const { rows } = await sql<{ finding: string | null }>`
    select finding from kiln_amphora_health where amphora_id = 'a-0'`.execute(world);
  expect(rows).toEqual([{ finding: 'heartbeats-lost' }]);
  const asked = await createJournal(world, clock).list({ limit: 10 });
  expect(asked.map(({ flow }) => flow).sort()).toEqual(['configure-amphora', 'failover-amphora-of-pair']);
}, 300_000);
