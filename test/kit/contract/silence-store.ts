import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAmphoraStore } from '../../../src/adapters/storage/amphora-store.ts';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { createHealthStore } from '../../../src/adapters/storage/health-store.ts';
import { createJournal } from '../../../src/adapters/storage/journal.ts';
import { createLoadBalancerStore } from '../../../src/adapters/storage/load-balancer-store.ts';
import { toRow } from '../../../src/adapters/storage/resource-tables.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import { createSilenceStore } from '../../../src/adapters/storage/silence-store.ts';
import { repairOperation } from '../../../src/core/lbaas/changes.ts';
import type { AmphoraStatus } from '../../../src/model/amphora.ts';
import type { LoadBalancer } from '../../../src/model/load-balancer.ts';
import type { HealthStore } from '../../../src/ports/health-store.ts';
import type { Journal } from '../../../src/ports/journal.ts';
import type { LoadBalancerStore } from '../../../src/ports/load-balancer-store.ts';
import type { SilenceStore, SilentAmong, SilentAmphora } from '../../../src/ports/silence-store.ts';
import { createFakeClock, type FakeClock } from '../fakes/fake-clock.ts';
import { storedLoadBalancer, storedPool } from '../stored-resources.ts';
import { type DatabaseSubject, storedAmphora } from './amphora-store.ts';

const moment = { now: '2026-11-23T12:10:00.000Z', silentBefore: '2026-11-23T12:09:00.000Z' };
const longAgo = '2026-11-23T12:00:00.000Z';
const justNow = '2026-11-23T12:09:59.000Z';
const lease = '2026-11-23T12:10:30.000Z';
const later = '2026-11-23T12:20:00.000Z';

/** What SilenceStore does, whatever engine is behind it. */
export function describeSilenceStoreContract(name: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`SilenceStore: ${name}`, () => {
    let clock: FakeClock;
    let subject: DatabaseSubject;
    let database: KilnDatabase;
    let store: SilenceStore;
    let health: HealthStore;
    let loadBalancers: LoadBalancerStore;
    let journal: Journal;
    let operations: number;

    beforeEach(async () => {
      clock = createFakeClock({ start: moment.now });
      subject = await makeSubject();
      database = await openDatabase(subject.connection, clock);
      store = createSilenceStore(database, clock);
      health = createHealthStore(database, clock);
      loadBalancers = createLoadBalancerStore(database, clock);
      journal = createJournal(database, clock);
      operations = 0;
    });
    afterEach(async () => {
      await database.destroy();
      await subject.close();
    });

    const hears = (amphoraId: string, receivedAt: string) =>
      health.record([
        {
          amphoraId,
          receivedAt,
          beats: 1,
          restarts: 0,
          statistics: [],
          countersAreDeltas: true,
          operatingStatuses: [],
        },
      ]);

    /** A load balancer `lb-ID` with the amphora ID. */
    async function serving(
      id: string,
      heardAt: string,
      over: { amphora?: AmphoraStatus; loadBalancer?: Partial<LoadBalancer>; of?: string } = {},
    ): Promise<void> {
      const loadBalancerId = over.of ?? `lb-${id}`;
      if (!over.of) {
        await loadBalancers.apply({
          loadBalancerId,
          mutableFrom: [],
          operation: null,
          rows: [{ kind: 'loadbalancer', put: storedLoadBalancer(loadBalancerId, over.loadBalancer) }],
        });
      }
      const status = over.amphora ?? 'ALLOCATED';
      await createAmphoraStore(database, clock).insert(storedAmphora(id, { loadBalancerId, status }));
      await hears(id, heardAt);
    }

    const claim = (examiner: string, limit = 10, among: SilentAmong = 'repairable') =>
      store.claim(moment, { examiner, until: lease, limit, among });
    const failOver = (amphora: SilentAmphora, now = moment.now) =>
      store.requestFailover(
        amphora,
        { finding: 'dead', examineAfter: later },
        repairOperation({ newId: () => `op-${++operations}` }, amphora),
        now,
      );
    const statusOf = async (id: string) => {
      const row = await loadBalancers.get('loadbalancer', `lb-${id}`);
      return row && { provisioning: row.provisioningStatus, operating: row.operatingStatus };
    };
    async function one(examiner: string): Promise<SilentAmphora> {
      const [amphora] = await claim(examiner);
      return amphora ?? expect.unreachable();
    }

    it('knows silent amphorae of load balancers, and no others', async () => {
      await serving('silent', longAgo);
      await serving('heard', justNow);
      await serving('gone', longAgo, { amphora: 'DELETED' });
      await serving('booting', longAgo, { amphora: 'BOOTING' });
      await createAmphoraStore(database, clock).insert(storedAmphora('idle', { status: 'READY' }));
      await hears('idle', longAgo);
      expect(await store.survey(moment, moment.silentBefore)).toMatchObject({
        silent: 1,
        unexplained: 1,
        untried: 1,
        heartbeatsLost: 0,
        recentFailovers: 0,
        runningFailovers: 0,
        breaker: { openSince: null },
      });
      expect((await claim('e')).map(({ id }) => id)).toEqual(['silent']);
      expect(await store.countServing()).toBe(2);
    });

    it('one that is watched and never heard of becomes silent', async () => {
      await serving('a', longAgo);
      await health.forget('a');
      expect(await claim('e')).toEqual([]);
      await health.watch('a');
      await health.watch('a');
      expect(await health.lastHeard('a')).toBe(moment.now);
      expect((await store.survey({ now: later, silentBefore: lease }, lease)).silent).toBe(1);
    });

    it('gives each to one examiner, until the claim is over', async () => {
      for (const id of ['a', 'b', 'c']) await serving(id, longAgo);
      expect((await claim('first', 2)).map(({ id }) => id)).toEqual(['a', 'b']);
      expect((await claim('second')).map(({ id }) => id)).toEqual(['c']);
      expect(await claim('third')).toEqual([]);
      const after = { now: later, silentBefore: lease };
      expect(
        await store.claim(after, { examiner: 'fourth', until: later, limit: 10, among: 'repairable' }),
      ).toHaveLength(3);
    });

    it('of two at once, each amphora goes to one', async () => {
      for (const id of ['a', 'b', 'c', 'd']) await serving(id, longAgo);
      const [first, second] = await Promise.all([claim('first'), claim('second')]);
      expect([...first, ...second].map(({ id }) => id).sort()).toEqual(['a', 'b', 'c', 'd']);
    });

    it('asks for a failover with the status of the load balancer, once', async () => {
      await serving('a', longAgo, { loadBalancer: { provisioningStatus: 'ERROR' } });
      const amphora = await one('e');
      expect(amphora).toMatchObject({ loadBalancerId: 'lb-a', lastHeard: longAgo, attempts: 0, finding: null });
      expect(await failOver(amphora)).toBe(true);
      expect(await failOver(amphora)).toBe(false);
      expect(await statusOf('a')).toMatchObject({ provisioning: 'PENDING_UPDATE' });
      expect(await journal.list({ limit: 10 })).toMatchObject([
        {
          id: 'op-1',
          flow: 'failover-amphora',
          subject: 'lb-a',
          priority: 20,
          input: { amphoraId: 'a', loadBalancerId: 'lb-a', resourceId: 'lb-a', wasInError: true },
        },
      ]);
      expect(await store.survey(moment, moment.silentBefore)).toMatchObject({
        silent: 1,
        untried: 0,
        recentFailovers: 1,
        runningFailovers: 1,
      });
    });

    it('asks for nothing when it is heard of again, its claim is over, or its load balancer is held or gone', async () => {
      await serving('a', longAgo);
      const late = await one('e');
      expect(await failOver(late, lease)).toBe(false);
      await hears('a', justNow);
      expect(await failOver(late)).toBe(false);

      await serving('b', longAgo);
      const held = await one('e');
      await database
        .updateTable('kiln_load_balancer')
        .set({ provisioning_status: 'PENDING_DELETE' })
        .where('id', '=', 'lb-b')
        .execute();
      expect(await failOver(held)).toBe(false);
      await database.deleteFrom('kiln_load_balancer').where('id', '=', 'lb-b').execute();
      expect(await failOver(held)).toBe(false);
      expect(await journal.list({ limit: 10 })).toEqual([]);
      expect(await statusOf('a')).toMatchObject({ provisioning: 'ACTIVE' });
    });

    it('two that ask for the failover of one amphora at once: one gets it', async () => {
      await serving('a', longAgo);
      const amphora = await one('e');
      const got = await Promise.all([failOver(amphora), failOver(amphora), failOver(amphora)]);
      expect(got.filter(Boolean)).toHaveLength(1);
      expect(await journal.list({ limit: 10 })).toHaveLength(1);
    });

    it('one whose replacement failed is left alone for a while, and tried again', async () => {
      await serving('a', longAgo);
      await failOver(await one('e'));
      expect(await claim('e')).toEqual([]);
      await journal.claim('op-1', 'w');
      const settlement = {
        loadBalancerId: 'lb-a',
        statuses: [{ kind: 'loadbalancer' as const, ids: ['lb-a'], provisioningStatus: 'ACTIVE' as const }],
        deletes: [],
        reason: null,
      };
      await journal.finish('op-1', 1, { undone: { code: 'X', message: 'x', advice: '' } }, { settlement });
      expect(await claim('e')).toEqual([]);
      const after = { now: later, silentBefore: lease };
      const until = '2026-11-23T12:21:00.000Z';
      const [again] = await store.claim(after, { examiner: 'e', until, limit: 1, among: 'repairable' });
      expect(again).toMatchObject({ id: 'a', attempts: 1, finding: 'dead' });
      expect(await store.survey(after, after.silentBefore)).toMatchObject({ untried: 0, recentFailovers: 0 });
    });

    it('tried again, it is no failover more that something else may be wrong with', async () => {
      await serving('a', longAgo);
      const amphora = await one('e');
      await failOver(amphora);
      const recent = async (since: string) => (await store.survey(moment, since)).recentFailovers;
      expect(await recent(longAgo)).toBe(1);
      await database
        .updateTable('kiln_load_balancer')
        .set({ provisioning_status: 'ACTIVE' })
        .where('id', '=', 'lb-a')
        .execute();
      const [again] = await store.claim(
        { now: later, silentBefore: lease },
        { examiner: 'e', until: '2026-11-23T12:21:00.000Z', limit: 1, among: 'repairable' },
      );
      expect(await failOver(again ?? expect.unreachable(), later)).toBe(true);
      expect(await recent(moment.now)).toBe(0);
      expect(await recent(longAgo)).toBe(1);
    });

    it('of which nobody could tell, nothing was tried', async () => {
      await serving('a', longAgo);
      expect(await store.record(await one('e'), { finding: 'unknown', examineAfter: later }, null, moment.now)).toBe(
        true,
      );
      expect(await store.survey(moment, moment.silentBefore)).toMatchObject({ silent: 1, untried: 1 });
      expect(await store.list(moment, 10)).toMatchObject([{ id: 'a', finding: 'unknown', attempts: 0 }]);
    });

    it('whose load balancer was taken for a change meanwhile is examined as soon as that has ended', async () => {
      await serving('a', longAgo);
      const amphora = await one('e');
      const put = async (provisioningStatus: 'ACTIVE' | 'PENDING_UPDATE') => {
        const { related: _related, ...row } = (await loadBalancers.get('loadbalancer', 'lb-a')) ?? expect.unreachable();
        await loadBalancers.apply({
          loadBalancerId: 'lb-a',
          mutableFrom: ['ACTIVE', 'PENDING_UPDATE'],
          operation: null,
          rows: [{ kind: 'loadbalancer', put: { ...row, provisioningStatus } }],
        });
      };
      await put('PENDING_UPDATE');
      expect(await failOver(amphora)).toBe(false);
      expect(await claim('another')).toEqual([]);
      await put('ACTIVE');
      expect((await claim('another')).map(({ id }) => id)).toEqual(['a']);
    });

    it('keeps what was found until a heartbeat comes', async () => {
      await serving('a', longAgo);
      const decision = { finding: 'heartbeats-lost' as const, examineAfter: later };
      expect(await store.record(await one('e'), decision, null, moment.now)).toBe(true);
      expect(await store.survey(moment, moment.silentBefore)).toMatchObject({
        silent: 1,
        heartbeatsLost: 1,
        unexplained: 0,
        untried: 0,
      });
      await hears('a', justNow);
      const row = database.selectFrom('kiln_amphora_health').selectAll().where('amphora_id', '=', 'a');
      expect(await row.executeTakeFirst()).toEqual({
        amphora_id: 'a',
        last_heard: justNow,
        beats: 2,
        restarts: 0,
        finding: null,
        attempts: 0,
        examine_after: null,
        examiner: null,
      });
    });

    it('what nothing serves is in ERROR; what is down by its administrator, answers, or has another amphora is not', async () => {
      const online = { operatingStatus: 'ONLINE' as const };
      await serving('dead', longAgo, { loadBalancer: online });
      await serving('broken', longAgo, { loadBalancer: online, amphora: 'ERROR' });
      await serving('heard', justNow, { loadBalancer: online });
      await serving('disabled', longAgo, { loadBalancer: { operatingStatus: 'OFFLINE', adminStateUp: false } });
      await serving('replaced', longAgo, { loadBalancer: online });
      await serving('new', justNow, { of: 'lb-replaced' });
      await serving('lost', longAgo, { loadBalancer: online });
      const claimed = await claim('e');
      const isLost = ({ id }: SilentAmphora) => id === 'lost';
      const lost = claimed.find(isLost) ?? expect.unreachable();
      await store.record(lost, { finding: 'heartbeats-lost', examineAfter: later }, null, moment.now);
      expect(await store.markErrors(moment, 10), 'before they are asked').toBe(0);
      const silent = claimed.filter((amphora) => !isLost(amphora));
      await store.note(silent, { finding: 'unknown', examineAfter: later }, moment.now);
      const before = await loadBalancers.tree('lb-dead');
      expect(await store.markErrors(moment, 1)).toBe(1);
      expect(await store.markErrors(moment, 10)).toBe(1);
      expect(await store.markErrors(moment, 10)).toBe(0);
      for (const id of ['dead', 'broken']) expect(await statusOf(id)).toMatchObject({ operating: 'ERROR' });
      for (const id of ['heard', 'replaced', 'lost']) expect(await statusOf(id)).toMatchObject({ operating: 'ONLINE' });
      expect(await statusOf('disabled')).toMatchObject({ operating: 'OFFLINE' });
      // Whoever keeps in mind what it read has to read again.
      expect((await loadBalancers.tree('lb-dead'))?.revision).toBe((before?.revision ?? 0) + 1);
    });

    it('comes back from ERROR when a silent amphora of it answers, as its pools and listeners are', async () => {
      const inError = { operatingStatus: 'ERROR' as const };
      for (const id of ['well', 'degraded', 'pool', 'dead']) await serving(id, longAgo, { loadBalancer: inError });
      await serving('disabled', longAgo, { loadBalancer: { ...inError, adminStateUp: false } });
      await serving('pair', longAgo, { loadBalancer: { ...inError, topology: 'ACTIVE_STANDBY' } });
      await serving('other', longAgo, { of: 'lb-pair' });
      for (const [id, operatingStatus] of [
        ['degraded', 'DEGRADED'],
        ['pool', 'ERROR'],
      ] as const) {
        const pool = storedPool(`p-${id}`, `lb-${id}`, { operatingStatus });
        await database.insertInto('kiln_pool').values(toRow('pool', pool)).execute();
      }
      const answers = ({ id }: SilentAmphora) => id !== 'dead' && id !== 'other';
      const claimed = await claim('e');
      await store.note(claimed.filter(answers), { finding: 'heartbeats-lost', examineAfter: later }, moment.now);
      await store.note(
        claimed.filter((one) => !answers(one)),
        { finding: 'unknown', examineAfter: later },
        moment.now,
      );
      expect(await store.markErrors(moment, 10)).toBe(0);
      expect(await store.markServing(moment, 10)).toBe(3);
      expect(await store.markServing(moment, 10)).toBe(0);
      const statuses = await Promise.all(
        ['well', 'degraded', 'pool', 'dead', 'disabled', 'pair'].map(async (id) => (await statusOf(id))?.operating),
      );
      expect(statuses).toEqual(['ONLINE', 'DEGRADED', 'ERROR', 'ERROR', 'ERROR', 'DEGRADED']);
    });

    it('is asked whether it serves, also while its load balancer is changed, and that is no attempt', async () => {
      await serving('free', longAgo);
      await serving('held', longAgo, { loadBalancer: { provisioningStatus: 'PENDING_UPDATE' } });
      await serving('heard', longAgo);
      expect((await claim('e')).map(({ id }) => id)).toEqual(['free', 'heard']);
      await database.updateTable('kiln_amphora_health').set({ examiner: null, examine_after: null }).execute();
      const asked = await claim('e', 10, 'unexamined');
      expect(asked.map(({ id }) => id)).toEqual(['free', 'heard', 'held']);
      await hears('heard', justNow);
      await store.note(asked, { finding: 'unknown', examineAfter: null }, moment.now);
      const known = await store.list(moment, 10);
      expect(known).toMatchObject([
        { id: 'free', finding: 'unknown', attempts: 0, examineAfter: null },
        { id: 'held', finding: 'unknown', attempts: 0, examineAfter: null },
      ]);
      expect(
        await database.selectFrom('kiln_amphora_health').select('finding').where('amphora_id', '=', 'heard').execute(),
      ).toEqual([{ finding: null }]);
      expect(await claim('e', 10, 'unexamined')).toEqual([]);
      const due = await claim('late', 10, 'due');
      expect(due.map(({ id }) => id)).toEqual(['free', 'held']);
      await store.note(due, { finding: 'heartbeats-lost', examineAfter: null }, later);
      expect(await store.list(moment, 10), 'its claim is over').toMatchObject([
        { finding: 'unknown' },
        { finding: 'unknown' },
      ]);
    });

    it.each(['by heartbeats', 'by hand'])(
      'closed %s, the breaker has those examined at once of which nobody could tell',
      async (how) => {
        await serving('a', longAgo);
        await store.openBreaker({ at: moment.now, silentCount: 7, threshold: 5 });
        await store.note(await claim('e', 10, 'due'), { finding: 'unknown', examineAfter: later }, moment.now);
        expect(await claim('e')).toEqual([]);
        await (how === 'by hand' ? store.resume(moment.now) : store.closeBreaker(moment.now));
        expect(await claim('e')).toHaveLength(1);
      },
    );

    it('an amphora in ERROR says whether another one serves', async () => {
      await serving('alone', longAgo, { amphora: 'ERROR' });
      await serving('left', longAgo, { amphora: 'ERROR' });
      await serving('new', justNow, { of: 'lb-left' });
      expect(await claim('e')).toMatchObject([
        { id: 'alone', status: 'ERROR', isReplaced: false },
        { id: 'left', status: 'ERROR', isReplaced: true },
      ]);
      // Silent itself, and nothing found of it yet: it is watched for itself, and the one that it has replaced stays replaced.
      await serving('gone', longAgo, { amphora: 'ERROR' });
      await serving('mute', longAgo, { of: 'lb-gone' });
      const claimed = await claim('f');
      expect(claimed.find(({ id }) => id === 'gone')).toMatchObject({ isReplaced: true });
      await store.note(claimed, { finding: 'heartbeats-lost', examineAfter: later }, moment.now);
      await database.updateTable('kiln_amphora').set({ status: 'ERROR' }).where('id', '=', 'mute').execute();
      await database
        .updateTable('kiln_load_balancer')
        .set({ operating_status: 'ERROR' })
        .where('id', '=', 'lb-gone')
        .execute();
      // What is left of one that answers serves nobody.
      expect(await store.markServing(moment, 10)).toBe(0);
      await database.deleteFrom('kiln_amphora').where('id', 'in', ['gone', 'mute']).execute();
      // It is no sign that anything is wrong with the network.
      expect(await store.survey(moment, moment.silentBefore)).toMatchObject({ silent: 2, unexplained: 0 });
    });

    it('of a pair, the other one is no replacement, but it serves', async () => {
      await serving('dead', longAgo, { amphora: 'ERROR', loadBalancer: { topology: 'ACTIVE_STANDBY' } });
      await serving('living', justNow, { of: 'lb-dead' });
      for (const [id, role] of Object.entries({ dead: 'MASTER', living: 'BACKUP' })) {
        await database.updateTable('kiln_amphora').set({ role }).where('id', '=', id).execute();
      }
      expect(await claim('e')).toMatchObject([{ id: 'dead', topology: 'ACTIVE_STANDBY', isReplaced: false }]);
      expect(await store.markErrors(moment, 10)).toBe(0);
    });

    it('the circuit breaker is opened once, closed once, and by hand what is silent no longer counts', async () => {
      await serving('a', longAgo);
      const opened = { at: moment.now, silentCount: 7, threshold: 5 };
      expect(await store.openBreaker(opened)).toBe(true);
      expect(await store.openBreaker({ ...opened, silentCount: 9 })).toBe(false);
      const breakerNow = async () => (await store.survey(moment, moment.silentBefore)).breaker;
      expect(await breakerNow()).toMatchObject({ openSince: moment.now, silentCount: 7, threshold: 5 });
      expect(await store.closeBreaker(later)).toBe(true);
      expect(await store.closeBreaker(later)).toBe(false);
      expect(await breakerNow()).toMatchObject({ openSince: null, listenUntil: later });
      await store.openBreaker(opened);
      expect(await store.resume(moment.now)).toBe(true);
      expect(await store.resume(moment.now)).toBe(false);
      const survey = await store.survey(moment, moment.silentBefore);
      expect(survey).toMatchObject({ silent: 1, unexplained: 0, untried: 0 });
      expect(survey.breaker).toMatchObject({ openSince: null, listenUntil: null, resumedAt: moment.now });
      expect(await claim('e')).toHaveLength(1);
    });

    it('nobody was heard of in the future', async () => {
      await serving('a', later);
      await store.forgetFuture(moment.now);
      expect(await health.lastHeard('a')).toBe(moment.now);
    });
  });
}
