import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAgentConfigurations } from '../../src/adapters/storage/agent-configurations.ts';
import { createCertificateRotations } from '../../src/adapters/storage/certificate-rotations.ts';
import { createCloudOrphans } from '../../src/adapters/storage/cloud-orphans.ts';
import { openDatabase } from '../../src/adapters/storage/database.ts';
import { createEventStore } from '../../src/adapters/storage/event-store.ts';
import { createFleetStore } from '../../src/adapters/storage/fleet-store.ts';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { createLoadBalancerStore } from '../../src/adapters/storage/load-balancer-store.ts';
import { createOrphans } from '../../src/adapters/storage/orphans.ts';
import { createOutbox } from '../../src/adapters/storage/outbox.ts';
import { createOverviewStore } from '../../src/adapters/storage/overview-store.ts';
import { createPurge } from '../../src/adapters/storage/purge.ts';
import { usualMoveSeconds } from '../../src/adapters/storage/release-fleet.ts';
import type { KilnDatabase } from '../../src/adapters/storage/schema.ts';
import { createSilenceStore } from '../../src/adapters/storage/silence-store.ts';
import { createStateSurvey } from '../../src/adapters/storage/state-survey.ts';
import { createVipReservations } from '../../src/adapters/storage/vip-reservations.ts';
import type { ListQuery } from '../../src/ports/load-balancer-store.ts';
import { createFakeClock } from '../kit/fakes/fake-clock.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/** What every process asks the database again and again, with a fleet and a past of some size: how many rows MariaDB reads for it. */
let made: Awaited<ReturnType<typeof makeDatabase>>;
let database: KilnDatabase;
const now = '2026-11-28T12:00:00.000Z';
const clock = createFakeClock({ start: now });

const ROWS = 20_000;
let ended = 0;
let serving = 0;

const idOf = (kind: string) => sql.raw(`concat('${kind}', lpad(seq, 35, '0'))`);
const times = sql.raw(`concat('2026-11-27T', lpad(seq mod 24, 2, '0'), ':00:00.', lpad(seq mod 1000, 3, '0'), 'Z')`);
/** A table of MariaDB that counts. */
const numbers = (from: number) => sql.raw(`seq_${from + 1}_to_${from + ROWS}`);

async function addEndedOperations(): Promise<void> {
  const from = numbers(ended);
  ended += ROWS;
  await sql`insert into kiln_operation
      (id, flow, subject, input, priority, status, fence, entry_count, created_at, updated_at)
    select ${idOf('o')}, elt(1 + seq mod 3, 'failover-amphora', 'create-load-balancer', 'boot-amphora'),
      ${idOf('l')}, '{}', 10, if(seq mod 50 = 0, 'undone', 'done'), 3, 20, ${times}, ${times} from ${from}`.execute(
    database,
  );
}

async function addDeletedAmphorae(): Promise<void> {
  await sql`insert into kiln_amphora (id, load_balancer_id, status, server_name, image_id, cert_expiration, timings, created_at, updated_at)
    select ${idOf('d')}, ${idOf('e')}, 'DELETED', ${idOf('d')}, 'i1', ${now}, '{}', ${times}, ${times} from ${numbers(0)}`.execute(
    database,
  );
}

async function addServing(): Promise<void> {
  const from = numbers(serving);
  serving += ROWS;
  await sql`insert into kiln_load_balancer
      (id, project_id, admin_state_up, provisioning_status, operating_status, tags, created_at, updated_at, name,
       description, vip_address, vip_network_id, vip_octavia_owned, vip_sg_ids, additional_vips, provider, topology)
    select ${idOf('l')}, 'p', 1, 'ACTIVE', if(seq mod 9 = 0, 'DEGRADED', 'ONLINE'), '["all"]', ${times}, ${times}, concat('lb', seq), '',
      '10.0.0.2', 'n', 1, '[]', '[]', 'amphora', if(seq mod 4 = 0, 'ACTIVE_STANDBY', 'SINGLE') from ${from}`.execute(
    database,
  );
  await sql`insert into kiln_amphora
      (id, load_balancer_id, status, server_name, compute_id, lb_network_ip, image_id, cert_expiration, timings,
       created_at, updated_at, agent_config_digest)
    select ${idOf('a')}, ${idOf('l')}, 'ALLOCATED', ${idOf('s')}, ${idOf('c')}, '10.0.0.1',
      elt(1 + seq mod 3, 'i1', 'i2', 'i3'), '2026-12-28T12:00:00.000Z', '{}', ${times}, ${times}, 'digest' from ${from}`.execute(
    database,
  );
  await sql`insert into kiln_tag (resource_id, tag) select ${idOf('l')}, 'all' from ${from}`.execute(database);
  await sql`insert into kiln_tag (resource_id, tag) select ${idOf('l')}, 'few' from ${from} where seq mod 1000 = 0`.execute(
    database,
  );
  await sql`insert into kiln_amphora_health (amphora_id, last_heard)
    select ${idOf('a')}, '2026-11-28T11:59:58.000Z' from ${from}`.execute(database);
}

async function analyze(): Promise<void> {
  for (const table of ['kiln_operation', 'kiln_amphora', 'kiln_amphora_health', 'kiln_load_balancer', 'kiln_tag'])
    await sql`analyze table ${sql.table(table)}`.execute(database);
}

beforeAll(async () => {
  made = await makeDatabase();
  database = await openDatabase(made.connection, clock);
  await addEndedOperations();
  await addDeletedAmphorae();
  await addServing();
  await analyze();
}, 300_000);
afterAll(async () => {
  await database?.destroy();
  await made?.close();
});

async function rowsRead(look: (one: KilnDatabase) => Promise<unknown>): Promise<number> {
  return await database.connection().execute(async (one) => {
    const soFar = async () => {
      const { rows } = await sql<{ Variable_name: string; Value: string }>`
        show session status like 'Handler_read%'`.execute(one);
      const reads = rows.filter(({ Variable_name: name }) => !/deleted|retry/.test(name));
      return reads.reduce((sum, { Value }) => sum + Number(Value), 0);
    };
    const before = await soFar();
    await look(one);
    return (await soFar()) - before;
  });
}

const moment = { now, silentBefore: '2026-11-28T11:59:00.000Z' };
const yesterday = '2026-11-27T12:00:00.000Z';
const lastWeek = '2026-11-20T12:00:00.000Z';
const claims = Array.from({ length: 10 }, (_none, index) => {
  const id = (kind: string) => `${kind}${String(index + 1).padStart(35, '0')}`;
  return { loadBalancerId: id('l'), amphoraId: id('a'), serverId: id('c'), serverName: id('s') };
});
const claim = { examiner: 'e', until: now, limit: 50 };
const rotations = (one: KilnDatabase) => createCertificateRotations(one, clock);
const silences = (one: KilnDatabase) => createSilenceStore(one, clock);
const overview = (one: KilnDatabase) => createOverviewStore(one, clock);
const purge = (one: KilnDatabase) => createPurge(one, clock);

/** Neither the past nor the fleet is read. */
const looks: Record<string, (one: KilnDatabase) => Promise<unknown>> = {
  'metrics: certificates': (one) => rotations(one).survey(now),
  'metrics, health tick: silence': (one) => silences(one).survey(moment, moment.silentBefore),
  'health tick: claims': (one) => silences(one).claim(moment, { ...claim, among: 'repairable' }),
  'health tick: who was not asked': (one) => silences(one).claim(moment, { ...claim, among: 'unexamined' }),
  'health tick: who answers': (one) => silences(one).markServing(moment, 50),
  'health tick: errors': (one) => silences(one).markErrors(moment, 50),
  'start of a health manager': (one) => silences(one).forgetFuture(now),
  'kiln health': (one) => silences(one).list(moment, 50),
  'sweep: unclaimed': (one) => createJournal(one, clock).unclaimed(500, ['failover-amphora']),
  'sweep: claimed': (one) => createJournal(one, clock).claimed(),
  outbox: (one) => createOutbox(one, clock).unannounced(100),
  'VIPs that nobody uses': (one) => createVipReservations(one, clock).giveUpOlderThan(lastWeek, 100),
  'job rotate-certificates': (one) => rotations(one).due({ now, endsBefore: '2026-12-01' }, 50),
  'job rotate-certificates: running': (one) => rotations(one).countRunning('rotate-amphora-certificate'),
  'job rotate-certificates: troubled': (one) => rotations(one).troubled(now, 50),
  'job push-configuration': (one) => createAgentConfigurations(one, clock).due({ now, digest: 'digest' }, 50),
  'job settle-pending': (one) => createOrphans(one, clock).find(100),
  'job orphans': (one) => createCloudOrphans(one, clock).judge(claims),
  'job orphans: IDs': (one) => createCloudOrphans(one, clock).forgetIdsGoneBefore(lastWeek, 100),
  'job purge: operations': (one) => purge(one).operations(lastWeek, 100),
  'job purge: amphorae': (one) => purge(one).amphorae(lastWeek, 100),
  'job purge: releases': (one) => purge(one).releases(lastWeek, 100),
  'attention: ERROR': (one) => overview(one).inError(50),
  'attention: PENDING': (one) => overview(one).pendingSince(yesterday, 50),
  'attention: stalled': (one) => overview(one).stalledOperations(yesterday, 50),
  'events: newest': (one) => createEventStore(one, clock).newest(100),
  'events: followed': (one) => createEventStore(one, clock).since(Date.parse('2026-11-28T11:00:00Z'), 100),
  'plan: duration of a move': (one) => usualMoveSeconds(one),
};
/** Pages that a user asks for: what is not on them is not read. */
const page: ListQuery = { projectId: null, filters: {}, sort: [], limit: 50 };
const sorted = (direction: 'asc' | 'desc', ...fields: string[]) => ({
  sort: [...fields, 'createdAt', 'id'].map((field) => ({ field, direction })),
});
const marker = `l${String(ROWS / 2).padStart(35, '0')}`;
const pages: Record<string, Partial<ListQuery>> = {
  'in order of creation': sorted('asc'),
  'newest first': sorted('desc'),
  'newest first, behind a marker': { ...sorted('desc'), marker },
  'by name': sorted('asc', 'name'),
  'by name, behind a marker': { ...sorted('desc', 'name'), marker },
  'by name, before a marker': { ...sorted('asc', 'name'), marker, reverse: true },
  'of one name': { ...sorted('asc'), filters: { name: ['lb77'] } },
  'with a tag that all have': { ...sorted('asc'), tags: { all: ['all'] } },
  'with two tags': { ...sorted('asc'), tags: { all: ['all', 'few'] } },
  'without a tag': { ...sorted('asc'), tags: { notAny: ['few'] } },
  'ACTIVE ones': { ...sorted('asc'), filters: { provisioningStatus: ['ACTIVE'] } },
  'ones in ERROR': { ...sorted('asc'), filters: { provisioningStatus: ['ERROR'] } },
  'with a usual operating status': { ...sorted('asc'), filters: { operatingStatus: ['DEGRADED'] } },
  'with an operating status that none has': { ...sorted('asc'), filters: { operatingStatus: ['ERROR'] } },
};
const pageReads: typeof looks = Object.fromEntries(
  Object.entries(pages).map(([name, query]) => [
    name,
    (one: KilnDatabase) => createLoadBalancerStore(one, clock).list('loadbalancer', { ...page, ...query }),
  ]),
);

/** They count the fleet, and read nothing of what has ended but deleted amphorae, by their index. */
const counts: typeof looks = {
  'metrics: state': (one) => createStateSurvey(one, clock)(),
  'metrics, GET /v2/kiln/fleet': (one) => createFleetStore(one, clock).survey(moment.silentBefore),
  'attention: mixed pairs': (one) => overview(one).mixedPairs(50),
  'health tick with many silent': (one) => silences(one).countServing(),
};

async function measure(what: typeof looks): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [name, look] of Object.entries(what)) found[name] = await rowsRead(look);
  return found;
}
const above = (limit: number, found: Record<string, number>) =>
  Object.fromEntries(Object.entries(found).filter(([, rows]) => rows > limit));

it('what is asked at intervals reads neither the past nor the fleet', { timeout: 300_000 }, async () => {
  // The largest is a limit of its own: 500 operations whose duration is looked at.
  expect(above(ROWS / 20, await measure(looks))).toEqual({});
});

it('a page of load balancers reads no more than what is on it', { timeout: 300_000 }, async () => {
  expect(above(ROWS / 20, await measure(pageReads))).toEqual({});
});

it('and what counts the fleet does not read operations that have ended', { timeout: 300_000 }, async () => {
  const before = await measure(counts);
  await addEndedOperations();
  await sql`analyze table kiln_operation`.execute(database);
  const after = await measure(counts);
  for (const [name, rows] of Object.entries(after)) expect(rows - (before[name] ?? 0), name).toBeLessThan(ROWS / 20);
});
