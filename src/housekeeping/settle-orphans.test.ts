import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../test/kit/fakes/fake-log.ts';
import { sqliteIn } from '../../test/kit/sqlite.ts';
import { storedListener, storedLoadBalancer } from '../../test/kit/stored-resources.ts';
import { openDatabase } from '../adapters/storage/database.ts';
import { createJournal } from '../adapters/storage/journal.ts';
import { createLoadBalancerStore } from '../adapters/storage/load-balancer-store.ts';
import { createOrphans } from '../adapters/storage/orphans.ts';
import type { KilnDatabase } from '../adapters/storage/schema.ts';
import type { ProvisioningStatus } from '../model/load-balancer.ts';
import type { NewOperation } from '../model/operation.ts';
import { createOrphanSweep, orphanGraceMs } from './settle-orphans.ts';
import { settlePendingJob } from './settle-pending.ts';

describe('load balancers that are PENDING with no operation behind them', () => {
  const clock = createFakeClock();
  let folder: string;
  let database: KilnDatabase;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kiln-orphans-'));
    database = await openDatabase(await sqliteIn(folder), clock);
  });
  afterEach(async () => {
    await database.destroy();
    rmSync(folder, { recursive: true });
  });

  const store = () => createLoadBalancerStore(database, clock);
  const operation = (id: string): NewOperation => ({
    id: `op-${id}`,
    flow: 'update-listener',
    subject: id,
    input: {},
    priority: 0,
  });
  async function make(id: string, status: ProvisioningStatus, hasOperation: boolean): Promise<void> {
    await store().apply({
      loadBalancerId: id,
      mutableFrom: [],
      rows: [
        { kind: 'loadbalancer', put: storedLoadBalancer(id, { provisioningStatus: status }) },
        { kind: 'listener', put: storedListener(`li-${id}`, id, { provisioningStatus: status }) },
      ],
      operation: hasOperation ? operation(id) : null,
    });
  }
  const statuses = async () =>
    Object.fromEntries(
      (await store().list('loadbalancer', { projectId: null, filters: {}, sort: [], limit: 10 })).map((one) => [
        one.id,
        one.provisioningStatus,
      ]),
    );

  it('are in ERROR after a while, with what is in them and the reason; nobody else is touched', async () => {
    await make('creating', 'PENDING_CREATE', false);
    await make('updating', 'PENDING_UPDATE', false);
    await make('deleting', 'PENDING_DELETE', false);
    await make('working', 'PENDING_UPDATE', true);
    await make('well', 'ACTIVE', false);
    await make('ended', 'PENDING_UPDATE', true);
    const journal = createJournal(database, clock);
    const claimed = await journal.claim('op-ended', 'w');
    await journal.finish('op-ended', claimed?.operation.fence ?? 0, 'done');

    const log = createFakeLog();
    const look = createOrphanSweep({ orphans: createOrphans(database, clock), clock, log });
    const before = await statuses();
    await look();
    await clock.advance(orphanGraceMs / 2);
    await look();
    expect(await statuses()).toEqual(before);

    // One that somebody changes meanwhile is given its time again.
    await store().apply({ loadBalancerId: 'updating', mutableFrom: ['PENDING_UPDATE'], rows: [], operation: null });
    await look();
    await clock.advance(orphanGraceMs / 2);
    await look();
    const settled = { creating: 'ERROR', deleting: 'ERROR', ended: 'ERROR', working: 'PENDING_UPDATE', well: 'ACTIVE' };
    expect(await statuses()).toEqual({ ...settled, updating: 'PENDING_UPDATE' });
    expect((await store().get('listener', 'li-creating'))?.provisioningStatus).toBe('ERROR');
    expect(await store().reasonOf('deleting')).toMatchObject({ code: 'OPERATION_LOST' });
    await clock.advance(orphanGraceMs / 2);
    await look();
    expect(await statuses()).toEqual({ ...settled, updating: 'ERROR' });
  });

  it('are settled by one run by hand, which waits; at intervals a run waits for nothing', async () => {
    await make('creating', 'PENDING_CREATE', false);
    const orphans = createOrphans(database, clock);
    const makeJob = () => {
      const look = createOrphanSweep({ orphans, clock, log: createFakeLog() });
      return settlePendingJob({ look, find: () => orphans.find(10), clock });
    };
    const run = { dryRun: false, stop: new AbortController().signal, assertHeld: async () => {} };
    expect((await makeJob().run({ ...run, byHand: false })).counts).toEqual({ waiting: 1, settled: 0 });
    const byHand = makeJob().run({ ...run, byHand: true });
    await expect.poll(() => clock.sleeps).toContain(orphanGraceMs);
    await clock.advance(orphanGraceMs);
    expect((await byHand).counts).toEqual({ waiting: 0, settled: 1 });
    expect(await statuses()).toEqual({ creating: 'ERROR' });
    // Nothing is found: nothing is waited for.
    expect((await makeJob().run({ ...run, byHand: true })).counts).toEqual({ waiting: 0, settled: 0 });
  });

  it('are left alone when an operation came in between', async () => {
    await make('lb', 'PENDING_UPDATE', false);
    const orphans = createOrphans(database, clock);
    const [found] = await orphans.find(10);
    if (!found) throw new Error('nothing was found');
    await createJournal(database, clock).enqueue(operation('lb'));
    const settlement = { loadBalancerId: 'lb', statuses: [], deletes: [], reason: null };
    expect(await orphans.settle(found, () => settlement)).toBe(false);
    expect(await statuses()).toEqual({ lb: 'PENDING_UPDATE' });
  });

  it('are found by the index of statuses', async () => {
    const statement = sql`explain query plan select id from kiln_load_balancer
      where provisioning_status in ('PENDING_CREATE', 'PENDING_UPDATE', 'PENDING_DELETE')`;
    const { rows: plan } = await statement.execute(database);
    expect(JSON.stringify(plan)).toContain('kiln_load_balancer_status');
  });
});
