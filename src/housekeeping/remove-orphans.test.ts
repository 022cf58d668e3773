import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { storedAmphora } from '../../test/kit/contract/amphora-store.ts';
import { createFakeClock, type FakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../test/kit/fakes/fake-log.ts';
import { storedLoadBalancer } from '../../test/kit/stored-resources.ts';
import { createAmphoraStore } from '../adapters/storage/amphora-store.ts';
import { createCloudOrphans } from '../adapters/storage/cloud-orphans.ts';
import { openDatabase } from '../adapters/storage/database.ts';
import { rememberFormerIds } from '../adapters/storage/former-ids.ts';
import { createJournal } from '../adapters/storage/journal.ts';
import { createPurge } from '../adapters/storage/purge.ts';
import { toRow } from '../adapters/storage/resource-tables.ts';
import type { KilnDatabase } from '../adapters/storage/schema.ts';
import { applySettlement } from '../adapters/storage/settle.ts';
import { createVipReservations } from '../adapters/storage/vip-reservations.ts';
import type { CloudObject } from '../model/cloud-object.ts';
import { KilnError } from '../model/errors.ts';
import { removeOrphansJob } from './remove-orphans.ts';

const uuid = (digit: string) => `${digit.repeat(8)}-0000-4000-8000-000000000000`;
const [loadBalancer, amphora, stranger] = [uuid('a'), uuid('b'), uuid('f')];

describe('objects in the cloud whose owner is gone', () => {
  let clock: FakeClock;
  let folder: string;
  let database: KilnDatabase;
  let objects: CloudObject[];
  /** What the next calls answer in place of the truth. */
  let nonsense: ((kind: string) => CloudObject[]) | null;
  let findNonsense: ((id: string) => CloudObject | null) | null;
  let graceSeconds: number;

  beforeEach(async () => {
    clock = createFakeClock({ start: '2026-11-28T12:00:00Z' });
    folder = mkdtempSync(join(tmpdir(), 'kiln-orphans-'));
    database = await openDatabase(`sqlite:///${folder}/kiln.sqlite`, clock);
    objects = [];
    nonsense = null;
    findNonsense = null;
    graceSeconds = 3600;
  });
  afterEach(async () => {
    await database.destroy();
    rmSync(folder, { recursive: true });
  });

  const object = (kind: CloudObject['kind'], name: string, over: Partial<CloudObject> = {}): CloudObject => {
    const made = { kind, id: `${kind} ${name}`, name, deviceId: '', deviceOwner: '', isInOwnProject: true };
    const one = { ...made, createdAt: null, ...over };
    objects.push(one);
    return one;
  };
  const vip = (id: string) =>
    object('port', 'as its user likes', { deviceId: `lb-${id}`, deviceOwner: 'Octavia', isInOwnProject: false });
  const server = (id: string, over: Partial<CloudObject> = {}) => object('server', `amphora-${id}`, over);
  const group = (id: string) => object('security group', `lb-${id}`);

  const job = (over: { onRemove?: () => Promise<void> } = {}) =>
    removeOrphansJob({
      inventory: {
        list: async (kind) => nonsense?.(kind) ?? objects.filter((one) => one.kind === kind),
        find: async (_kind, id) => findNonsense?.(id) ?? objects.find((one) => one.id === id) ?? null,
        remove: async (_kind, id) => {
          await over.onRemove?.();
          objects = objects.filter((one) => one.id !== id);
        },
      },
      orphans: createCloudOrphans(database, clock),
      clock,
      log: createFakeLog(),
      settings: () => ({ intervalSeconds: 300, graceSeconds }),
    });
  const run = { dryRun: false, byHand: false, stop: new AbortController().signal, assertHeld: async () => {} };
  async function looks(times: number, seconds = 600, jobs = [job()]): Promise<void> {
    for (let look = 0; look < times; look++) {
      await Promise.all(jobs.map((one) => one.run(run)));
      await clock.advance(seconds * 1000);
    }
  }
  const left = () => objects.map(({ id }) => id);

  const amphorae = () => createAmphoraStore(database, clock);
  const putLoadBalancer = async (id: string) => {
    await database
      .insertInto('kiln_load_balancer')
      .values({ ...toRow('loadbalancer', storedLoadBalancer(id)) })
      .execute();
  };
  /** As the operation that deletes it ends. */
  const deleteLoadBalancer = (id: string) =>
    database
      .transaction()
      .execute((transaction) =>
        applySettlement(
          transaction,
          { loadBalancerId: id, statuses: [], deletes: [{ kind: 'loadbalancer', ids: [id] }], reason: null },
          clock.now().toISOString(),
        ),
      );
  async function loseLoadBalancer(id = loadBalancer): Promise<void> {
    await putLoadBalancer(id);
    await deleteLoadBalancer(id);
  }
  const enqueue = (subject: string) =>
    createJournal(database, clock).enqueue({
      id: `op-${subject}`,
      flow: 'update-listener',
      subject,
      input: {},
      priority: 0,
    });

  it('go when they were found for as long as the grace time, in three looks at least', async () => {
    await loseLoadBalancer();
    await amphorae().insert(storedAmphora(amphora, { status: 'DELETED', loadBalancerId: loadBalancer }));
    for (const make of [vip, group]) make(loadBalancer);
    server(amphora);
    object('port', `octavia-lb-vrrp-${amphora}`);
    object('port', `octavia-lb-member-${amphora}-${uuid('c')}`);
    object('server group', `octavia-lb-${loadBalancer}`);
    object('server group', `octavia-probe-${amphora}`);
    await looks(6);
    expect(left()).toHaveLength(7);
    await looks(1);
    expect(left()).toEqual([]);

    server(amphora);
    await looks(2, 36_000);
    expect(left()).toHaveLength(1);
    await looks(1, 36_000);
    expect(left()).toEqual([]);
  });

  it('are still known as ours when the rows of their amphorae were purged', async () => {
    await amphorae().insert(storedAmphora(amphora, { status: 'DELETED', loadBalancerId: loadBalancer }));
    await clock.advance(1_000);
    expect(await createPurge(database, clock).amphorae(clock.now().toISOString(), 10)).toBe(1);
    server(amphora);
    await looks(8);
    expect(left()).toEqual([]);
  });

  it('stay for ever when this database never named their owner', async () => {
    for (const make of [vip, group, server]) make(stranger);
    object('port', `octavia-lb-vrrp-${stranger}`);
    object('server', 'a8G3KX0PQ');
    object('server', 'web-1');
    await looks(20);
    expect(left()).toHaveLength(6);
    const reported = await job().run({ ...run, dryRun: true });
    expect(reported.counts).toEqual({ orphans: 0, removed: 0, unknown: 5 });
  });

  it('stay where they are in a project of somebody else, but for VIPs', async () => {
    await loseLoadBalancer();
    group(loadBalancer).isInOwnProject = false;
    await looks(20);
    expect(left()).toHaveLength(1);
  });

  it('stay as long as their owner has a row, a reservation, or an operation', async () => {
    await amphorae().insert(storedAmphora(amphora, { status: 'ERROR' }));
    server(amphora);
    await putLoadBalancer(loadBalancer);
    for (const make of [vip, group]) make(loadBalancer);

    await createVipReservations(database, clock).reserve(uuid('c'));
    await loseLoadBalancer(uuid('c'));
    vip(uuid('c'));

    await loseLoadBalancer(uuid('d'));
    await enqueue(uuid('d'));
    group(uuid('d'));

    await loseLoadBalancer(uuid('e'));
    await amphorae().insert(storedAmphora(uuid('1'), { status: 'DELETED', loadBalancerId: uuid('e') }));
    await enqueue(uuid('e'));
    server(uuid('1'));
    await looks(20);
    expect(left()).toHaveLength(6);
  });

  it('with a random name are known by their ID, or by the name where nobody knows the ID', async () => {
    await amphorae().insert(storedAmphora(amphora, { status: 'DELETED', serverName: 'aAAAAAAAA', computeId: 'ours' }));
    await amphorae().insert(storedAmphora(uuid('c'), { status: 'DELETED', serverName: 'aBBBBBBBB', computeId: null }));
    await amphorae().insert(
      storedAmphora(uuid('d'), { status: 'ALLOCATED', serverName: 'aCCCCCCCC', computeId: 'alive' }),
    );
    object('server', 'aAAAAAAAA', { id: 'ours' });
    object('server', 'aAAAAAAAA', { id: 'of somebody who came upon the same name' });
    object('server', 'aBBBBBBBB', { id: 'its answer was lost' });
    object('server', 'aDDDDDDDD', { id: 'alive' });
    await looks(20);
    expect(left()).toEqual(['of somebody who came upon the same name', 'alive']);
  });

  it('stay while they are plugged into a server that serves', async () => {
    await amphorae().insert(storedAmphora(amphora, { status: 'DELETED' }));
    await amphorae().insert(storedAmphora(uuid('c'), { status: 'ALLOCATED', computeId: 'alive' }));
    object('port', `octavia-lb-vrrp-${amphora}`, { deviceId: 'alive' });
    await looks(20);
    expect(left()).toHaveLength(1);
  });

  it('whose owner comes back between the look and the removal stay', async () => {
    await loseLoadBalancer();
    for (const make of [vip, group]) make(loadBalancer);
    await looks(6);
    // The first one goes; then somebody has it again.
    const racing = job({ onRemove: () => putLoadBalancer(loadBalancer) });
    await looks(1, 600, [racing]);
    expect(left()).toEqual([`security group lb-${loadBalancer}`]);
    await looks(20);
    expect(left()).toHaveLength(1);
  });

  it('that are younger by their service than the grace time stay, whatever the looks say', async () => {
    await amphorae().insert(storedAmphora(amphora, { status: 'DELETED' }));
    server(amphora, { createdAt: '2026-11-28T14:00:00' });
    await looks(17);
    expect(left()).toHaveLength(1);
    await looks(2);
    expect(left()).toEqual([]);
  });

  it('stay when a service answers nonsense: nothing, an error, half a page, another object', async () => {
    await loseLoadBalancer();
    await putLoadBalancer(stranger);
    const living = group(stranger);
    const [one, other] = [group(loadBalancer), vip(loadBalancer)];
    await looks(6);

    nonsense = () => {
      throw new KilnError('SERVICE_RESPONSE_INVALID', 'half a page');
    };
    await expect(job().run(run)).rejects.toThrow('half a page');
    nonsense = null;
    findNonsense = () => living;
    await looks(1);
    findNonsense = null;
    expect(left()).toHaveLength(3);
    // What a look does not show begins anew.
    nonsense = (kind) => objects.filter((found) => found.kind === kind && found.id !== one.id);
    await looks(1);
    expect(left()).toEqual([living.id, one.id]);
    expect(left()).not.toContain(other.id);
    nonsense = null;
    await looks(6);
    expect(left()).toContain(one.id);
    nonsense = () => [];
    await looks(2);
    expect(left()).toContain(one.id);
    nonsense = null;
    await looks(7);
    expect(left()).toEqual([living.id]);
  });

  it('stay when the database is another one', async () => {
    await loseLoadBalancer();
    for (const make of [vip, group]) make(loadBalancer);
    await looks(6);
    await database.destroy();
    database = await openDatabase(`sqlite:///${folder}/another.sqlite`, clock);
    await looks(20);
    expect(left()).toHaveLength(2);
  });

  it('are removed once by two at once; who has lost the job removes nothing', async () => {
    await loseLoadBalancer();
    for (const make of [vip, group]) make(loadBalancer);
    await looks(6);
    const lost = { ...run, assertHeld: () => Promise.reject(new KilnError('FENCED', 'another has it')) };
    await expect(job().run(lost)).rejects.toThrow('another has it');
    expect(left()).toHaveLength(2);
    await looks(1, 600, [job(), job()]);
    expect(left()).toEqual([]);
  });

  it('that can not be removed are tried again, and hold up no others', async () => {
    await loseLoadBalancer();
    for (const make of [vip, group]) make(loadBalancer);
    await looks(7, 600, [job({ onRemove: () => Promise.reject(new Error('in use')) })]);
    expect(left()).toHaveLength(2);
    expect((await job().run(run)).counts).toEqual({ orphans: 0, removed: 2, failed: 0, unknown: 0 });
  });

  it('are only listed in a dry run, and where the grace time is 0', async () => {
    await loseLoadBalancer();
    group(loadBalancer);
    await looks(6);
    const reported = await job().run({ ...run, dryRun: true });
    expect(reported).toMatchObject({
      counts: { orphans: 1, removed: 1, unknown: 0 },
      details: [{ wouldBeRemoved: true }],
    });
    expect(reported.items[0]).toContain('would be removed');
    expect(left()).toHaveLength(1);
    graceSeconds = 0;
    await looks(20);
    expect(left()).toHaveLength(1);
  });

  it('IDs of long ago are forgotten, a few at a time', async () => {
    const ids = Array.from({ length: 5 }, (_none, index) => `gone-${index}`);
    await rememberFormerIds(database, ids, '2025-01-01T00:00:00.000Z');
    await rememberFormerIds(database, ['lately'], '2026-11-01T00:00:00.000Z');
    const orphans = createCloudOrphans(database, clock);
    expect(await orphans.forgetIdsGoneBefore('2025-06-01T00:00:00.000Z', 3)).toBe(3);
    await job().run(run);
    expect(await database.selectFrom('kiln_former_id').select('id').execute()).toEqual([{ id: 'lately' }]);
  });
});
