import { join } from 'node:path';
import type { Kysely } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { createFlavorStore } from '../../../src/adapters/storage/flavor-store.ts';
import { createJournal } from '../../../src/adapters/storage/journal.ts';
import { createLoadBalancerStore } from '../../../src/adapters/storage/load-balancer-store.ts';
import { up as numberPeerPorts } from '../../../src/adapters/storage/migrations/0026-peer-ports.ts';
import { resourceKinds } from '../../../src/adapters/storage/resource-tables.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import type { ResourceKind } from '../../../src/model/load-balancer.ts';
import type { NewOperation } from '../../../src/model/operation.ts';
import type { FlavorStore } from '../../../src/ports/flavor-store.ts';
import type { Journal } from '../../../src/ports/journal.ts';
import type {
  Change,
  ChangeQuota,
  ListQuery,
  LoadBalancerStore,
  RowChange,
  Settlement,
} from '../../../src/ports/load-balancer-store.ts';
import { createFakeClock, type FakeClock } from '../fakes/fake-clock.ts';
import { runScript } from '../run-script.ts';
import {
  storedHealthMonitor,
  storedL7Policy,
  storedL7Rule,
  storedListener,
  storedLoadBalancer,
  storedMember,
  storedPool,
} from '../stored-resources.ts';
import type { DatabaseSubject } from './amphora-store.ts';

const everything: ListQuery = { projectId: null, filters: {}, sort: [], limit: 1000 };

const operation = (id: string, subject = 'lb'): NewOperation => ({
  id,
  flow: 'update-listener',
  subject,
  input: { n: 1 },
  priority: 3,
});

/** An operation, made if it isn't there, ends and leaves this. */
async function endWith(journal: Journal, id: string, settlement: Settlement): Promise<void> {
  await journal.enqueue(operation(id));
  const claimed = await journal.claim(id, 'w1');
  await journal.finish(id, claimed?.operation.fence ?? 0, 'done', { settlement });
}

const creation = (loadBalancerId: string, rows: readonly RowChange[] = []): Change => ({
  loadBalancerId,
  mutableFrom: [],
  rows: [{ kind: 'loadbalancer', put: storedLoadBalancer(loadBalancerId) }, ...rows],
  operation: null,
});

const change = (loadBalancerId: string, rows: readonly RowChange[], over: Partial<Change> = {}): Change => ({
  loadBalancerId,
  mutableFrom: ['ACTIVE'],
  rows,
  operation: null,
  ...over,
});

const pending = (loadBalancerId: string): RowChange => ({
  kind: 'loadbalancer',
  put: storedLoadBalancer(loadBalancerId, { provisioningStatus: 'PENDING_UPDATE' }),
});

/** One of each kind, in which no field has its default, and text is not ASCII. */
const text = 'ä "quoted" \\ \'🔥\' %_ ?';
const extras = {
  name: text,
  projectId: 'p9',
  adminStateUp: false,
  provisioningStatus: 'PENDING_CREATE',
  operatingStatus: 'OFFLINE',
  tags: ['b', 'a', text],
  updatedAt: '2026-11-23T11:00:01.000Z',
} as const;
const { name: _, ...namelessExtras } = extras;
const tls = { tlsCiphers: 'A:B'.repeat(500), tlsVersions: ['TLSv1.2', 'TLSv1.3'], alpnProtocols: ['h2'] } as const;
const full = {
  loadbalancer: storedLoadBalancer('lb', {
    ...extras,
    description: text,
    vip: { address: '2001:db8::1', networkId: 'n', subnetId: 's', portId: 'p', octaviaOwned: false },
    vipQosPolicyId: 'q',
    vipSgIds: ['g'],
    additionalVips: [{ address: '192.0.2.9', networkId: 'n', subnetId: 't', portId: null, octaviaOwned: true }],
    provider: 'amphora',
    flavorId: 'f',
    availabilityZone: text,
    topology: 'ACTIVE_STANDBY',
    serverGroupId: 'g',
  }),
  listener: storedListener('li', 'lb', {
    ...extras,
    ...tls,
    description: text,
    protocol: 'TERMINATED_HTTPS',
    protocolPort: 65_535,
    peerPort: 1030,
    connectionLimit: 2_147_483_647,
    defaultPoolId: 'po',
    defaultTlsContainerRef: 'r',
    sniContainerRefs: ['a', 'b'],
    insertHeaders: { 'X-Forwarded-For': 'true' },
    timeoutClientData: 31_536_000_000,
    clientCaTlsContainerRef: 'c',
    clientAuthentication: 'MANDATORY',
    clientCrlContainerRef: 'd',
    allowedCidrs: ['192.0.2.0/24'],
    hstsMaxAge: 0,
    hstsIncludeSubdomains: true,
    hstsPreload: true,
  }),
  pool: storedPool('po', 'lb', {
    ...extras,
    ...tls,
    description: text,
    sessionPersistence: {
      type: 'APP_COOKIE',
      cookieName: 'c',
      persistenceTimeout: null,
      persistenceGranularity: '255.255.0.0',
    },
    tlsEnabled: true,
    tlsContainerRef: 'a',
    caTlsContainerRef: 'b',
    crlContainerRef: 'c',
  }),
  member: storedMember('me', 'po', {
    ...extras,
    weight: 0,
    backup: true,
    subnetId: 's',
    monitorAddress: '2001:db8::2',
    monitorPort: 1,
  }),
  healthmonitor: storedHealthMonitor('hm', 'po', {
    ...extras,
    urlPath: `/${'é'.repeat(2047)}`,
    httpVersion: 1.1,
    domainName: 'example.org',
  }),
  l7policy: storedL7Policy('l7', 'li', {
    ...extras,
    description: text,
    action: 'REDIRECT_TO_POOL',
    redirectPoolId: 'po',
    redirectUrl: 'http://example.org/?a=b',
    redirectPrefix: 'https://example.org',
    redirectHttpCode: 308,
    position: 3,
  }),
  l7rule: storedL7Rule('ru', 'l7', { ...namelessExtras, type: 'HEADER', key: 'X-Ä', value: text, invert: true }),
};
const kinds = Object.keys(full) as ResourceKind[];
const fullCreation: Change = {
  loadBalancerId: 'lb',
  mutableFrom: [],
  rows: kinds.map((kind) => ({ kind, put: full[kind] }) as RowChange),
  operation: operation('op'),
};

/** What the store does, whatever engine is behind it. */
export function describeLoadBalancerStoreContract(name: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`LoadBalancerStore: ${name}`, () => {
    let clock: FakeClock;
    let subject: DatabaseSubject;
    let database: KilnDatabase;
    let store: LoadBalancerStore;
    let flavors: FlavorStore;
    let statements: string[];

    beforeEach(async () => {
      clock = createFakeClock({ start: '2026-11-23T12:00:00Z', autoAdvance: true });
      subject = await makeSubject();
      statements = [];
      database = await openDatabase(subject.connection, clock, ({ query }) => {
        if (!/^(begin|start transaction|set transaction|commit)/.test(query.sql)) statements.push(query.sql);
      });
      store = createLoadBalancerStore(database, clock);
      flavors = createFlavorStore(database, clock);
      await flavors.insert('flavorProfile', { id: 'fp', name: '', providerName: 'amphora', flavorData: '{}' });
      await flavors.insert('flavor', { id: 'f', name: 'f', description: '', enabled: true, flavorProfileId: 'fp' });
      const zoneProfile = { id: 'zp', name: '', providerName: 'amphora', availabilityZoneData: '{}' };
      await flavors.insert('availabilityZoneProfile', zoneProfile);
      const zone = { name: text, description: '', enabled: true, availabilityZoneProfileId: 'zp' };
      await flavors.insert('availabilityZone', zone);
      statements.length = 0;
    });
    afterEach(async () => {
      await database.destroy();
      await subject.close();
    });

    const ids = async (kind: ResourceKind, query: Partial<ListQuery> = {}) =>
      (await store.list(kind, { ...everything, ...query })).map(({ id }) => id);
    const fails = (asked: Change, code: string) => expect(store.apply(asked)).rejects.toMatchObject({ code });

    it('listeners without a number of their own get one, in the order of their creation, behind those that have one', async () => {
      const listener = (
        id: string,
        loadBalancerId: string,
        second: number,
        peerPort: number | null = null,
      ): RowChange => {
        const createdAt = `2026-11-23T11:00:0${second}.000Z`;
        return {
          kind: 'listener',
          put: storedListener(id, loadBalancerId, { protocolPort: second, createdAt, peerPort }),
        };
      };
      await store.apply(creation('lb', [listener('b', 'lb', 2), listener('a', 'lb', 3), listener('c', 'lb', 1)]));
      await store.apply(creation('half', [listener('d', 'half', 1, 1027), listener('e', 'half', 2)]));
      await numberPeerPorts(database as unknown as Kysely<unknown>);
      await numberPeerPorts(database as unknown as Kysely<unknown>);
      const listeners = await store.list('listener', everything);
      const ports = Object.fromEntries(listeners.map(({ id, peerPort }) => [id, peerPort]));
      expect(ports).toEqual({ c: 1025, b: 1026, a: 1027, d: 1027, e: 1028 });
    });

    it('gives back each kind field by field, alone, in a list and in the tree', async () => {
      await store.apply(fullCreation);
      const related: Record<ResourceKind, object> = {
        loadbalancer: { listenerIds: ['li'], poolIds: ['po'] },
        listener: { loadBalancerIds: ['lb'], l7PolicyIds: ['l7'] },
        pool: { loadBalancerIds: ['lb'], listenerIds: ['li'], memberIds: ['me'], healthMonitorId: 'hm' },
        member: {},
        healthmonitor: { poolIds: ['po'] },
        l7policy: { l7RuleIds: ['ru'] },
        l7rule: {},
      };
      for (const kind of kinds) {
        const expected = { ...full[kind], related: related[kind] };
        expect(await store.get(kind, full[kind].id)).toEqual(expected);
        expect(await store.list(kind, everything)).toEqual([expected]);
        expect(await store.get(kind, 'nowhere')).toBeNull();
      }
      expect(await store.tree('lb')).toEqual({
        revision: expect.any(Number),
        loadBalancer: full.loadbalancer,
        listeners: [{ ...full.listener, l7Policies: [{ ...full.l7policy, rules: [full.l7rule] }] }],
        pools: [{ ...full.pool, members: [full.member], healthMonitor: full.healthmonitor }],
      });
      expect(await store.tree('nowhere')).toBeNull();
      expect(await createJournal(database, clock).get('op')).toMatchObject({ operation: operation('op') });
    });

    it('settles an operation with its end: statuses, rows that go, the reason; and only while the operation is ours', async () => {
      const enabled = storedL7Rule('on', 'l7', { adminStateUp: true, operatingStatus: 'OFFLINE' });
      await store.apply({ ...fullCreation, rows: [...fullCreation.rows, { kind: 'l7rule', put: enabled }] });
      const journal = createJournal(database, clock);
      const reason = { code: 'BOOT_FAILED', message: 'no valid host', advice: 'wait' };
      const settlement = {
        loadBalancerId: 'lb',
        statuses: [
          { kind: 'loadbalancer' as const, ids: ['lb'], provisioningStatus: 'ACTIVE' as const },
          { kind: 'listener' as const, ids: ['li', 'nowhere'], provisioningStatus: 'ERROR' as const },
          { kind: 'healthmonitor' as const, ids: ['hm'], provisioningStatus: 'ACTIVE' as const },
          { kind: 'l7policy' as const, ids: ['l7'], provisioningStatus: 'ERROR' as const },
          { kind: 'l7rule' as const, ids: ['ru', 'on'], provisioningStatus: 'ACTIVE' as const },
        ],
        deletes: [{ kind: 'pool' as const, ids: ['po'] }],
        reason,
      };
      await endWith(journal, 'op', settlement);
      await endWith(journal, 'again', settlement); // What is gone stays gone.
      expect(await store.get('loadbalancer', 'lb')).toMatchObject({
        ...full.loadbalancer,
        provisioningStatus: 'ACTIVE',
        updatedAt: clock.now().toISOString(),
        related: { poolIds: [] },
      });
      // What no heartbeat tells of works by being there; all else waits for one.
      expect(await store.get('healthmonitor', 'hm')).toMatchObject({ operatingStatus: 'OFFLINE' });
      expect(await store.get('l7rule', 'ru')).toMatchObject({ operatingStatus: 'OFFLINE' });
      expect(await store.get('l7rule', 'on')).toMatchObject({
        provisioningStatus: 'ACTIVE',
        operatingStatus: 'ONLINE',
      });
      expect(await store.get('l7policy', 'l7')).toMatchObject({ operatingStatus: full.l7policy.operatingStatus });
      expect(await store.get('listener', 'li')).toMatchObject({ provisioningStatus: 'ERROR', defaultPoolId: null });
      expect(await store.get('pool', 'po')).toBeNull();
      expect(await store.reasonOf('lb')).toEqual(reason);
      expect((await store.get('loadbalancer', 'lb'))?.related.reason).toEqual(reason);
      await endWith(journal, 'good', { ...settlement, statuses: [], deletes: [], reason: null });
      expect(await store.reasonOf('lb')).toBeNull();
      expect(await store.reasonOf('nowhere')).toBeNull();

      await journal.enqueue(operation('late'));
      const fence = (await journal.claim('late', 'w1'))?.operation.fence ?? 0;
      await journal.claim('late', 'w2');
      const late = { ...settlement, deletes: [{ kind: 'listener' as const, ids: ['li'] }] };
      await expect(journal.finish('late', fence, 'done', { settlement: late })).rejects.toMatchObject({
        code: 'FENCED',
      });
      expect(await store.get('listener', 'li')).not.toBeNull();
      expect((await journal.get('late'))?.operation.status).toBe('running');
    });

    it('an operation that is undone gives rows back their values, with their tags; ERROR leaves their time as it was', async () => {
      await store.apply(fullCreation);
      const before = await store.get('listener', 'li');
      const old = { ...full.listener, tags: ['old'], updatedAt: '2026-01-01T00:00:00.000Z' };
      const put = { ...old, tags: ['new'], connectionLimit: 7, updatedAt: '2026-02-02T00:00:00.000Z' };
      await store.apply(
        change('lb', [{ kind: 'listener', put }], { mutableFrom: [full.loadbalancer.provisioningStatus] }),
      );
      const settlement: Settlement = {
        loadBalancerId: 'lb',
        restores: [{ kind: 'listener', put: { ...old, operatingStatus: 'DEGRADED' } }],
        statuses: [{ kind: 'listener', ids: ['li'], provisioningStatus: 'ERROR' }],
        deletes: [],
        reason: null,
      };
      await endWith(createJournal(database, clock), 'op', settlement);
      expect(await store.get('listener', 'li')).toMatchObject({
        ...old,
        provisioningStatus: 'ERROR',
        operatingStatus: before?.operatingStatus,
      });
      const tagged = (tag: string) =>
        store.list('listener', { projectId: null, filters: {}, tags: { any: [tag] }, sort: [], limit: 10 });
      expect(await tagged('old')).toHaveLength(1);
      expect(await tagged('new')).toHaveLength(0);
    });

    it('an operation ends with what it leaves in the rows, or not at all', async () => {
      await store.apply(fullCreation);
      const journal = createJournal(database, clock);
      const fence = (await journal.claim('op', 'w1'))?.operation.fence ?? 0;
      const settlement: Settlement = {
        loadBalancerId: 'lb',
        statuses: [
          { kind: 'loadbalancer', ids: ['lb'], provisioningStatus: 'ERROR' },
          { kind: 'listener', ids: ['li'], provisioningStatus: null as never }, // The database refuses this one.
        ],
        deletes: [],
        reason: null,
      };
      const entries = [{ kind: 'started' as const, step: 's' }];
      const before = await journal.get('op');
      await expect(journal.finish('op', fence, 'done', { entries, settlement })).rejects.toThrow();
      expect(await journal.get('op')).toEqual(before);
      expect(await store.get('loadbalancer', 'lb')).toMatchObject({
        provisioningStatus: full.loadbalancer.provisioningStatus,
      });
    });

    it('replaces rows but for their operating status, and deletes them; the last word on a row counts', async () => {
      const { operatingStatus } = full.loadbalancer;
      await store.apply(fullCreation);
      await store.apply(
        change(
          'lb',
          [
            { kind: 'loadbalancer', put: storedLoadBalancer('lb') },
            { kind: 'pool', put: storedPool('po', 'lb') },
            { kind: 'member', deleteId: 'me' },
            { kind: 'member', put: storedMember('new', 'po') },
            { kind: 'member', put: storedMember('newer', 'po', { protocolPort: 81, weight: 7 }) },
            { kind: 'member', put: storedMember('newer', 'po', { protocolPort: 81, weight: 8 }) },
            { kind: 'l7rule', put: storedL7Rule('never', 'l7') },
            { kind: 'l7rule', deleteId: 'never' },
            { kind: 'l7rule', deleteId: 'nowhere' },
          ],
          { mutableFrom: ['ERROR', 'PENDING_CREATE'] },
        ),
      );
      expect(await store.get('loadbalancer', 'lb')).toMatchObject(storedLoadBalancer('lb', { operatingStatus }));
      const poolStatus = full.pool.operatingStatus;
      expect(await store.get('pool', 'po')).toMatchObject(storedPool('po', 'lb', { operatingStatus: poolStatus }));
      expect(await ids('member')).toEqual(['new', 'newer']);
      expect(await store.get('member', 'newer')).toMatchObject({ weight: 8 });
      expect(await ids('l7rule')).toEqual(['ru']);
      await store.apply(
        change(
          'lb',
          kinds.map((kind) => ({ kind, deleteId: full[kind].id }) as RowChange),
        ),
      );
      for (const kind of kinds) expect(await store.get(kind, full[kind].id)).toBeNull();
    });

    it('a refused change writes nothing: no rows, no operation', async () => {
      await store.apply(creation('lb'));
      const rows: RowChange[] = [pending('lb'), { kind: 'pool', put: storedPool('po', 'lb') }];
      await fails(change('lb', rows, { mutableFrom: ['ERROR'], operation: operation('op') }), 'IMMUTABLE');
      await fails(change('nowhere', rows, { operation: operation('op') }), 'RESOURCE_NOT_FOUND');
      await fails(creation('lb', rows), 'RESOURCE_CONFLICT');
      expect(await store.get('loadbalancer', 'lb')).toMatchObject({ provisioningStatus: 'ACTIVE' });
      expect(await ids('pool')).toEqual([]);
      expect(await createJournal(database, clock).get('op')).toBeNull();
    });

    it('two rows with what only one may have are a conflict, and nothing is written', async () => {
      await store.apply(fullCreation);
      const refused: RowChange[] = [
        { kind: 'listener', put: storedListener('x', 'lb', { protocol: 'TERMINATED_HTTPS', protocolPort: 65_535 }) },
        { kind: 'member', put: storedMember('x', 'po', { name: 'the address is taken' }) },
        { kind: 'healthmonitor', put: storedHealthMonitor('x', 'po') },
      ];
      for (const row of refused) {
        const asked = change('lb', [{ kind: 'pool', put: storedPool('y', 'lb') }, row, pending('lb')], {
          mutableFrom: ['PENDING_CREATE'],
        });
        await fails(asked, 'RESOURCE_CONFLICT');
      }
      expect(await ids('pool')).toEqual(['po']);
      expect(await store.get('member', 'me')).toMatchObject(full.member);
      expect(await store.get('loadbalancer', 'lb')).toMatchObject({ provisioningStatus: 'PENDING_CREATE' });
    });

    it('of many changes at once, one gets in', async () => {
      await store.apply(creation('lb'));
      const outcomes = await Promise.allSettled(
        Array.from({ length: 8 }, (_, n) =>
          store.apply(change('lb', [pending('lb')], { operation: operation(`op-${n}`) })),
        ),
      );
      const refusals = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(refusals.map(({ reason }) => (reason as { code: string }).code)).toEqual(Array(7).fill('IMMUTABLE'));
      expect(await createJournal(database, clock).unclaimed(10)).toHaveLength(1);
    });

    it('takes no change that was computed from what has changed since', async () => {
      await store.apply(creation('lb'));
      const revision = async () => (await store.tree('lb'))?.revision ?? -1;
      const seen = await revision();
      await store.apply(change('lb', [{ kind: 'pool', put: storedPool('po', 'lb') }], { basedOnRevision: seen }));
      const outdated = change('lb', [{ kind: 'pool', put: storedPool('p2', 'lb') }], { basedOnRevision: seen });
      await fails(outdated, 'CHANGE_OUTDATED');
      expect(await store.get('pool', 'p2')).toBeNull();

      const now = await revision();
      await store.apply(change('lb', [pending('lb')], { basedOnRevision: now, operation: operation('op-2') }));
      await fails({ ...outdated, basedOnRevision: now }, 'IMMUTABLE');
      const before = await revision();
      const active = { kind: 'loadbalancer' as const, ids: ['lb'], provisioningStatus: 'ACTIVE' as const };
      const settlement = { loadBalancerId: 'lb', statuses: [active], deletes: [], reason: null };
      await endWith(createJournal(database, clock), 'op-2', settlement);
      await fails({ ...outdated, basedOnRevision: before }, 'CHANGE_OUTDATED');
      await store.apply({ ...outdated, basedOnRevision: await revision() });
    });

    it('counts quotas in the transaction, of every kind that is made', async () => {
      const unlimited = Object.fromEntries(resourceKinds.map((kind) => [kind, -1])) as ChangeQuota['limits'];
      const quota = (limits: Partial<ChangeQuota['limits']>) => ({
        projectId: 'p1',
        limits: { ...unlimited, ...limits },
      });
      const outcomes = await Promise.allSettled(
        Array.from({ length: 8 }, (_, n) => store.apply({ ...creation(`lb-${n}`), quota: quota({ loadbalancer: 2 }) })),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
      const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
      for (const reason of reasons)
        expect(reason).toMatchObject({ code: 'QUOTA_MET', details: { kind: 'loadbalancer' } });
      expect(await ids('loadbalancer')).toHaveLength(2);

      await store.apply(creation('lb', [{ kind: 'pool', put: storedPool('po', 'lb') }]));
      const members = ['m1', 'm2', 'm3'].map((id, n) => ({
        kind: 'member' as const,
        put: storedMember(id, 'po', { protocolPort: n + 1 }),
      }));
      await fails(change('lb', members, { quota: quota({ member: 2 }) }), 'QUOTA_MET');
      expect(await ids('member')).toEqual([]);
      await store.apply(change('lb', members.slice(0, 2), { quota: quota({ member: 2 }) }));
      // One goes, and one comes in its place.
      const [first] = members;
      const leaving = first && { ...first, put: { ...first.put, provisioningStatus: 'PENDING_DELETE' as const } };
      const third = members.slice(2);
      await fails(change('lb', third, { quota: quota({ member: 2 }) }), 'QUOTA_MET');
      await store.apply(change('lb', [...(leaving ? [leaving] : []), ...third], { quota: quota({ member: 2 }) }));
    });

    it('counts quotas of several processes at once', async () => {
      const source = (path: string) => JSON.stringify(join(import.meta.dirname, '../../../src/', path));
      const limits = { ...Object.fromEntries(resourceKinds.map((kind) => [kind, -1])), loadbalancer: 2 };
      const script = (worker: number) => `
        import { openDatabase } from ${source('adapters/storage/database.ts')};
        import { createLoadBalancerStore } from ${source('adapters/storage/load-balancer-store.ts')};
        import { createSystemClock } from ${source('adapters/clock/system-clock.ts')};
        const clock = createSystemClock();
        const database = await openDatabase(${JSON.stringify(subject.connection)}, clock);
        const store = createLoadBalancerStore(database, clock);
        const fresh = ${JSON.stringify(storedLoadBalancer('fresh'))};
        const quota = { projectId: 'p1', limits: ${JSON.stringify(limits)} };
        const made = await Promise.all([0, 1, 2, 3].map((n) => {
          const id = 'lb-${worker}-' + n;
          const rows = [{ kind: 'loadbalancer', put: { ...fresh, id } }];
          return store.apply({ loadBalancerId: id, mutableFrom: [], rows, operation: null, quota })
            .then(() => 'made', ({ code }) => code);
        }));
        console.log(JSON.stringify(made));
        await database.destroy();`;
      const outcomes = (await Promise.all([0, 1, 2].map((worker) => runScript<string[]>(script(worker))))).flat();
      expect(outcomes.filter((outcome) => outcome === 'made')).toHaveLength(2);
      expect(new Set(outcomes)).toEqual(new Set(['made', 'QUOTA_MET']));
      expect(await ids('loadbalancer')).toHaveLength(2);
    });

    it('a port that a user brought is the VIP of one load balancer, until that is deleted', async () => {
      const brought = (id: string): Change => {
        const put = storedLoadBalancer(id);
        const vip = { ...put.vip, portId: 'port-of-a-user', octaviaOwned: false };
        return { ...creation(id), rows: [{ kind: 'loadbalancer', put: { ...put, vip } }] };
      };
      const outcomes = await Promise.allSettled(['a', 'b'].map((id) => store.apply(brought(id))));
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const [first = ''] = await ids('loadbalancer');
      await fails(brought('c'), 'RESOURCE_CONFLICT');
      const gone = { kind: 'loadbalancer' as const, ids: [first] };
      const settlement = { loadBalancerId: first, statuses: [], deletes: [gone], reason: null };
      await endWith(createJournal(database, clock), 'op-end', settlement);
      await store.apply(brought('c'));
    });

    it('a port is free again when an older version deleted its load balancer and left the claim', async () => {
      const brought = (id: string): Change => {
        const put = storedLoadBalancer(id);
        const vip = { ...put.vip, portId: 'port-of-a-user', octaviaOwned: false };
        return { ...creation(id), rows: [{ kind: 'loadbalancer', put: { ...put, vip } }] };
      };
      await store.apply(brought('a'));
      await database.deleteFrom('kiln_load_balancer').where('id', '=', 'a').execute();
      await store.apply(brought('b'));
      await fails(brought('c'), 'RESOURCE_CONFLICT');
    });

    it.each([{ flavorId: 'gone' }, { availabilityZone: 'gone' }])('makes none of %j that was deleted', async (of) => {
      const put = storedLoadBalancer('lb', of);
      await fails({ ...creation('lb'), rows: [{ kind: 'loadbalancer', put }] }, 'CHANGE_OUTDATED');
      expect(await store.get('loadbalancer', 'lb')).toBeNull();
    });

    it('of the creation and the deletion of its flavor at the same moment, one wins', async () => {
      for (let round = 0; round < 10; round++) {
        const id = `flavor-${round}`;
        await flavors.insert('flavor', { id, name: id, description: '', enabled: true, flavorProfileId: 'fp' });
        const put = storedLoadBalancer(`lb-${round}`, { flavorId: id });
        const made = store.apply({ ...creation(put.id), rows: [{ kind: 'loadbalancer', put }] });
        const outcomes = await Promise.allSettled([made, flavors.delete('flavor', id)]);
        expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
        const there = [await store.get('loadbalancer', put.id), await flavors.get('flavor', id)];
        expect(there.filter(Boolean)).toHaveLength(there[0] ? 2 : 0);
      }
    });

    it('of many changes by several processes, one gets in, and new load balancers do not hinder each other', async () => {
      await store.apply(creation('lb'));
      const source = (path: string) => JSON.stringify(join(import.meta.dirname, '../../../src/', path));
      const script = (worker: number) => `
        import { openDatabase } from ${source('adapters/storage/database.ts')};
        import { createLoadBalancerStore } from ${source('adapters/storage/load-balancer-store.ts')};
        import { createSystemClock } from ${source('adapters/clock/system-clock.ts')};
        const clock = createSystemClock();
        const database = await openDatabase(${JSON.stringify(subject.connection)}, clock);
        const store = createLoadBalancerStore(database, clock);
        const put = (loadBalancer, tags) => ({ kind: 'loadbalancer', put: { ...loadBalancer, tags } });
        const fresh = ${JSON.stringify(storedLoadBalancer('fresh'))};
        for (let n = 0; n < 10; n++) {
          const id = 'lb-${worker}-' + n;
          await store.apply({ loadBalancerId: id, mutableFrom: [], rows: [put({ ...fresh, id }, ['t'])], operation: null });
        }
        const rows = [${JSON.stringify(pending('lb'))}];
        const asked = { loadBalancerId: 'lb', mutableFrom: ['ACTIVE'], rows, operation: null };
        console.log(JSON.stringify(await store.apply(asked).then(() => 'in', ({ code }) => code)));
        await database.destroy();`;
      const outcomes = await Promise.all([0, 1, 2, 3].map((worker) => runScript<string>(script(worker))));
      expect(outcomes.sort()).toEqual(['IMMUTABLE', 'IMMUTABLE', 'IMMUTABLE', 'in']);
      expect(await ids('loadbalancer', { tags: { all: ['t'] } })).toHaveLength(40);
    });

    it('what is DELETED is found by who asks for it', async () => {
      await store.apply(creation('gone', [{ kind: 'pool', put: storedPool('po', 'gone') }]));
      await store.apply(creation('here'));
      const deleted = storedLoadBalancer('gone', { provisioningStatus: 'DELETED' });
      await store.apply(change('gone', [{ kind: 'loadbalancer', put: deleted }]));
      expect(await ids('loadbalancer')).toEqual(['here']);
      expect(await store.get('loadbalancer', 'gone')).toBeNull();
      expect(await store.tree('gone')).toBeNull();
      expect(await store.countByProject('p1')).toMatchObject({ loadbalancer: 1, pool: 1 });
      expect(await ids('loadbalancer', { filters: { provisioningStatus: ['DELETED', 'ACTIVE'] } })).toEqual([
        'gone',
        'here',
      ]);
      await fails(change('gone', []), 'IMMUTABLE');
    });

    it('lists what a project owns and what belongs to a parent', async () => {
      await store.apply(fullCreation);
      await store.apply(
        change('lb', [{ kind: 'member', put: storedMember('m2', 'other-pool') }], { mutableFrom: ['PENDING_CREATE'] }),
      );
      expect(await ids('member', { parentId: 'po' })).toEqual(['me']);
      expect(await ids('l7rule', { parentId: 'l7' })).toEqual(['ru']);
      expect(await ids('member', { projectId: 'p1' })).toEqual(['m2']);
      expect(await ids('member', { projectId: 'P1' })).toEqual([]);
      expect(await ids('member', { projectId: 'p1', parentId: 'po' })).toEqual([]);
    });

    it('filters by any plain field, exactly and by type', async () => {
      await store.apply(fullCreation);
      const found = async (kind: ResourceKind, filters: ListQuery['filters']) => (await ids(kind, { filters })).length;
      expect(await found('loadbalancer', { vipAddress: ['2001:db8::1'], vipPortId: ['x', 'p'] })).toBe(1);
      expect(await found('loadbalancer', { name: [text] })).toBe(1);
      expect(await found('loadbalancer', { name: [text.toUpperCase()] })).toBe(0);
      expect(await found('loadbalancer', { name: [] })).toBe(0);
      expect(await found('listener', { adminStateUp: [false], protocolPort: [1, 65_535] })).toBe(1);
      expect(await found('listener', { protocolPort: ['65535', '65535x', true] })).toBe(0);
      expect(await found('listener', { hstsPreload: [1, 'true'] })).toBe(0);
      expect(await found('healthmonitor', { httpVersion: [1.1, null] })).toBe(1);
      expect(await found('healthmonitor', { httpVersion: [null] })).toBe(0);
      expect(await found('l7rule', { key: ['X-Ä'], value: [text] })).toBe(1);
    });

    it('filters by lists and objects, whole, and by the health monitors of pools', async () => {
      await store.apply(fullCreation);
      const [listener] = await store.list('listener', everything);
      const { alpnProtocols, insertHeaders } = listener ?? expect.unreachable();
      const found = async (kind: ResourceKind, query: Partial<ListQuery>) => (await ids(kind, query)).length;
      expect(await found('listener', { filters: { alpnProtocols: [JSON.stringify(alpnProtocols)] } })).toBe(1);
      expect(await found('listener', { filters: { insertHeaders: [JSON.stringify(insertHeaders)] } })).toBe(1);
      expect(await found('listener', { filters: { insertHeaders: ['{"X":"y"}'] } })).toBe(0);
      const [monitor] = await store.list('healthmonitor', everything);
      expect(await found('pool', { healthMonitorIds: [monitor?.id ?? ''] })).toBe(1);
      expect(await found('pool', { healthMonitorIds: ['nobody'] })).toBe(0);
    });

    it.each(['nonsense', 'timeout_client_data', 'id; drop table kiln_listener', '__proto__'])(
      'refuses to filter or sort by %s',
      async (field) => {
        const query = { ...everything, filters: Object.fromEntries([[field, ['x']]]) };
        await expect(store.list('listener', query)).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
        const sorted = { ...everything, sort: [{ field, direction: 'asc' as const }] };
        await expect(store.list('listener', sorted)).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
      },
    );

    it('filters by tags, exactly, and follows their changes', async () => {
      const tagged: Record<string, string[]> = {
        none: [],
        a: ['a'],
        ab: ['a', 'b', 'b'],
        bc: ['b', 'c'],
        near: ['A', 'a ', 'ä'],
      };
      for (const [id, tags] of Object.entries(tagged)) {
        await store.apply({ ...creation(id), rows: [{ kind: 'loadbalancer', put: storedLoadBalancer(id, { tags }) }] });
      }
      const found = (tags: ListQuery['tags']) => ids('loadbalancer', { ...(tags && { tags }) });
      expect(await found({ all: ['a'] })).toEqual(['a', 'ab']);
      expect(await found({ all: ['a', 'b', 'a'] })).toEqual(['ab']);
      expect(await found({ any: ['a', 'c'] })).toEqual(['a', 'ab', 'bc']);
      expect(await found({ notAll: ['a', 'b'] })).toEqual(['a', 'bc', 'near', 'none']);
      expect(await found({ notAny: ['a', 'b'] })).toEqual(['near', 'none']);
      expect(await found({ all: ['b'], notAny: ['c'], any: ['a', 'c'], notAll: ['a', 'c'] })).toEqual(['ab']);
      expect(await found({ all: ['a '] })).toEqual(['near']);
      expect(await found({ all: [], any: [], notAll: [], notAny: [] })).toHaveLength(5);
      const put = (tags: string[]): RowChange => ({ kind: 'loadbalancer', put: storedLoadBalancer('ab', { tags }) });
      await store.apply(change('ab', [put(['c'])]));
      expect([await found({ all: ['a'] }), await found({ all: ['c'] })]).toEqual([['a'], ['ab', 'bc']]);
      await store.apply(change('ab', [{ kind: 'loadbalancer', deleteId: 'ab' }]));
      await store.apply({ ...creation('ab'), rows: [put(['d'])] });
      expect([await found({ all: ['c'] }), await found({ all: ['d'] })]).toEqual([['bc'], ['ab']]);
    });

    it('names the listeners that use a pool: by default, or by a policy that is on and has a rule', async () => {
      const policy = (id: string, over = {}): RowChange => ({
        kind: 'l7policy',
        put: storedL7Policy(id, `li-${id}`, { action: 'REDIRECT_TO_POOL', redirectPoolId: 'po', ...over }),
      });
      const rule = (policyId: string): RowChange => ({ kind: 'l7rule', put: storedL7Rule(`ru-${policyId}`, policyId) });
      const listener = (id: string, port: number, over = {}): RowChange => ({
        kind: 'listener',
        put: storedListener(`li-${id}`, 'lb', { protocolPort: port, ...over }),
      });
      await store.apply(
        creation('lb', [
          { kind: 'pool', put: storedPool('po', 'lb') },
          ...[
            listener('on', 1),
            listener('off', 2),
            listener('bare', 3),
            listener('default', 4, { defaultPoolId: 'po' }),
          ],
          ...[policy('on'), policy('off', { adminStateUp: false }), policy('bare'), rule('on'), rule('off')],
        ]),
      );
      expect((await store.get('pool', 'po'))?.related.listenerIds).toEqual(['li-default', 'li-on']);
    });

    it('orders policies by position, and all else by the time it was made', async () => {
      const at = (second: number) => ({ createdAt: `2026-11-23T11:00:0${second}.000Z` });
      await store.apply(
        creation('lb', [
          { kind: 'listener', put: storedListener('b', 'lb', { protocolPort: 1, ...at(1) }) },
          { kind: 'listener', put: storedListener('a', 'lb', { protocolPort: 2, ...at(2) }) },
          { kind: 'l7policy', put: storedL7Policy('y', 'a', { position: 10 }) },
          { kind: 'l7policy', put: storedL7Policy('z', 'a', { position: 9, ...at(3) }) },
        ]),
      );
      expect((await store.get('loadbalancer', 'lb'))?.related.listenerIds).toEqual(['b', 'a']);
      expect((await store.get('listener', 'a'))?.related.l7PolicyIds).toEqual(['z', 'y']);
      const tree = await store.tree('lb');
      expect(tree?.listeners.map(({ id }) => id)).toEqual(['b', 'a']);
      expect(tree?.listeners[1]?.l7Policies.map(({ id }) => id)).toEqual(['z', 'y']);
    });

    it('counts what a project has', async () => {
      await store.apply(fullCreation);
      await store.apply(creation('mine'));
      statements.length = 0;
      expect(await store.countByProject('p9')).toEqual(Object.fromEntries(kinds.map((kind) => [kind, 1])));
      expect(statements).toHaveLength(1);
      expect(await store.countByProject('p1')).toEqual({
        ...Object.fromEntries(kinds.map((kind) => [kind, 0])),
        loadbalancer: 1,
      });
    });

    it('a list has what others have changed since, and nothing twice where nothing has changed', async () => {
      const others = createLoadBalancerStore(database, clock);
      const listed = async () =>
        (await store.list('loadbalancer', everything)).map(({ name, related }) => [name, related]);
      await store.apply(creation('lb', [{ kind: 'listener', put: storedListener('li', 'lb') }]));
      await store.apply(creation('other'));
      const other = ['', { listenerIds: [], poolIds: [] }];
      expect(await listed()).toEqual([['', { listenerIds: ['li'], poolIds: [] }], other]);
      const [, before] = await store.list('loadbalancer', everything);
      const pool: RowChange = { kind: 'pool', put: storedPool('po', 'lb') };
      await others.apply(change('lb', [pool, { kind: 'listener', deleteId: 'li' }]));
      expect(await listed()).toEqual([['', { listenerIds: [], poolIds: ['po'] }], other]);
      const named = storedLoadBalancer('lb', { name: 'web' });
      await others.apply(change('lb', [{ kind: 'loadbalancer', put: named }]));
      expect(await listed()).toEqual([['web', { listenerIds: [], poolIds: ['po'] }], other]);
      expect(await ids('loadbalancer', { filters: { name: ['web'] } })).toEqual(['lb']);
      expect((await store.list('loadbalancer', everything))[1]).toBe(before);
    });

    it('a list has nothing that was changed off it, or deleted, while it was read', async () => {
      const query = { ...everything, filters: { name: ['web'] } };
      const web = storedLoadBalancer('lb', { name: 'web' });
      await store.apply(creation('lb', [{ kind: 'loadbalancer', put: web }]));
      await store.apply(creation('kept', [{ kind: 'loadbalancer', put: { ...web, id: 'kept' } }]));
      const meanwhile: RowChange[] = [
        { kind: 'loadbalancer', put: { ...web, name: 'mail' } },
        { kind: 'loadbalancer', deleteId: 'lb' },
      ];
      for (const row of meanwhile) {
        let isFirst = true;
        const slow = database.withPlugin({
          transformQuery: ({ node }) => node,
          async transformResult({ result }) {
            if (isFirst) {
              isFirst = false;
              await store.apply(change('lb', [row]));
            }
            return result;
          },
        });
        const found = await createLoadBalancerStore(slow, clock).list('loadbalancer', query);
        expect(found.map(({ id }) => id)).toEqual(['kept']);
        await store.apply(creation('lb', [{ kind: 'loadbalancer', put: web }])).catch(() => {});
        await store.apply(change('lb', [{ kind: 'loadbalancer', put: web }]));
      }
    });

    it('an unknown marker gives an empty page', async () => {
      await store.apply(creation('lb'));
      expect(await ids('loadbalancer', { marker: 'nowhere' })).toEqual([]);
      expect(await ids('loadbalancer', { limit: Number.POSITIVE_INFINITY })).toEqual(['lb']);
    });

    it('asks the database no more often for many rows than for one', async () => {
      const rowsOf = (n: number): RowChange[] => [
        { kind: 'listener', put: storedListener(`li-${n}`, 'lb', { protocolPort: n + 1, tags: ['t'] }) },
        { kind: 'pool', put: storedPool(`po-${n}`, 'lb') },
        { kind: 'member', put: storedMember(`me-${n}`, `po-${n}`) },
        { kind: 'healthmonitor', put: storedHealthMonitor(`hm-${n}`, `po-${n}`) },
        { kind: 'l7policy', put: storedL7Policy(`l7-${n}`, `li-${n}`) },
        { kind: 'l7rule', put: storedL7Rule(`ru-${n}`, `l7-${n}`) },
      ];
      const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
      const count = async (work: () => Promise<unknown>) => {
        statements.length = 0;
        await work();
        return statements.length;
      };
      const first = { li: 'li-0', po: 'po-0', me: 'me-0', hm: 'hm-0', l7: 'l7-0', ru: 'ru-0', lb: 'lb' };
      const counts = async () => ({
        tree: await count(() => store.tree('lb')),
        ...Object.fromEntries(
          await sequence(kinds, async (kind) => {
            const marker = first[full[kind].id as keyof typeof first];
            return [
              [`list of ${kind}`, await count(() => store.list(kind, everything))],
              [`page of ${kind}`, await count(() => store.list(kind, { ...everything, marker, reverse: true }))],
              [`list of ${kind} by tags`, await count(() => store.list(kind, { ...everything, tags: { all: ['t'] } }))],
            ];
          }),
        ),
      });
      const applied = [await count(() => store.apply(creation('lb', rowsOf(0))))];
      // What is on a page, in which revision; and all of what is new.
      expect(await count(() => store.list('loadbalancer', everything))).toBe(2);
      const few = await counts();
      const many = (from: number) => change('lb', numbers(from, from + 60).flatMap(rowsOf));
      applied.push(await count(() => store.apply(many(1))), await count(() => store.apply(many(61))));
      applied.push(await count(() => store.apply(many(61)))); // All of them are there.
      await store.list('loadbalancer', everything);
      expect(await counts()).toEqual(few);
      expect(few).toMatchObject({ tree: 1, 'list of loadbalancer': 1, 'list of pool': 2, 'page of member': 2 });
      // One to be let in (two for what is new: the VIP's reservation is looked for), one to read and one to write each kind (of
      // what is new, one to write), one for tags.
      expect(applied).toEqual([2 + 7 + 1, 1 + 2 * 6 + 1, 1 + 2 * 6 + 1, 1 + 2 * 6]);
    });
  });
}

async function sequence<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result[]>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(...(await work(item)));
  return results;
}
