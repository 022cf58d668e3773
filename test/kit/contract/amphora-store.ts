import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAmphoraStore } from '../../../src/adapters/storage/amphora-store.ts';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { createHealthStore } from '../../../src/adapters/storage/health-store.ts';
import { createJournal } from '../../../src/adapters/storage/journal.ts';
import { createLoadBalancerStore } from '../../../src/adapters/storage/load-balancer-store.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import { newAmphora } from '../../../src/core/amphora/new-amphora.ts';
import type { Amphora } from '../../../src/model/amphora.ts';
import type { NewOperation } from '../../../src/model/operation.ts';
import type { AmphoraListQuery, AmphoraRegister, AmphoraStore } from '../../../src/ports/amphora-store.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { createFakeClock } from '../fakes/fake-clock.ts';
import { storedLoadBalancer } from '../stored-resources.ts';

export interface DatabaseSubject {
  /** `[database] connection` of a place where nothing was ever kept. */
  connection: string;
  close(): Promise<void>;
}

export function storedAmphora(id: string, over: Partial<Amphora> = {}): Amphora {
  const known = { id, loadBalancerId: null, role: null, serverName: `amphora-${id}`, computeFlavor: '65' };
  return newAmphora({ ...known, ...over }, '2026-11-23T11:00:00.000Z');
}

/** A tag of four-byte letters, quotes and backslashes, and as many near misses as `candidates`. */
function imageChoice(candidates: number): NonNullable<Amphora['imageChoice']> {
  const checksum = 'f'.repeat(128);
  return {
    imageId: 'i',
    rule: 'newest-of-several',
    tag: 'ämphora, "quoted" \\ \'🔥\' \u0000 ?',
    tagSource: 'flavor',
    ownerRequired: 'p',
    image: null,
    candidates: Array.from({ length: candidates }, (_, n) => ({
      id: `image-${n}`,
      name: `amphora 🔥 ${n}`,
      owner: checksum,
      createdAt: '2026-11-23T11:00:00Z',
    })),
    chosenAt: '2026-11-23T12:00:00.000Z',
  };
}

/** What the store does, whatever engine is behind it. */
export function describeAmphoraStoreContract(name: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`AmphoraStore: ${name}`, () => {
    let subject: DatabaseSubject;
    let clock: Clock;
    let database: KilnDatabase;
    let store: AmphoraStore & AmphoraRegister;

    beforeEach(async () => {
      clock = createFakeClock({ start: '2026-11-23T12:00:00Z', autoAdvance: true });
      subject = await makeSubject();
      database = await openDatabase(subject.connection, clock);
      store = createAmphoraStore(database, clock);
    });
    afterEach(async () => {
      await database.destroy();
      await subject.close();
    });

    it('gives back what was put in, field by field, after the database was opened again', async () => {
      const whole = storedAmphora('a', {
        status: 'READY',
        computeId: 'c',
        lbNetworkIp: '127.77.0.2',
        imageId: 'i',
        imageChoice: imageChoice(1),
        cachedZone: 'nova',
        certExpiration: '2027-11-23T11:00:00.000Z',
        agentVersion: '1.0',
        timings: { chooseMs: 3 },
        worker: 'w',
        reason: { code: 'X', message: 'm', advice: 'a' },
      });
      await store.insert(whole);
      await database.destroy();
      database = await openDatabase(subject.connection, clock);
      expect(await createAmphoraStore(database, clock).get('a')).toEqual(whole);
    });
    it('keeps an image choice of a cloud with a great many images', async () => {
      const choice = imageChoice(2_000);
      expect(JSON.stringify(choice).length).toBeGreaterThan(300_000);
      await store.insert(storedAmphora('a'));
      await store.update('a', { imageChoice: choice });
      expect(await store.get('a')).toMatchObject({ imageChoice: choice });
    });
    it('changes only what the patch names, null included', async () => {
      await store.insert(storedAmphora('a', { computeId: 'c', worker: 'w' }));
      await store.update('a', { status: 'ERROR', worker: null });
      const updatedAt = clock.now().toISOString();
      expect(await store.get('a')).toEqual(storedAmphora('a', { computeId: 'c', status: 'ERROR', updatedAt }));
    });
    it('takes a change that changes nothing', async () => {
      await store.insert(storedAmphora('a'));
      await store.update('a', { worker: 'w' });
      await store.update('a', { worker: 'w' });
      expect(await store.get('a')).toMatchObject({ worker: 'w' });
    });
    it('refuses to change what is not there', async () => {
      await expect(store.update('b', { status: 'ERROR' })).rejects.toMatchObject({ code: 'AMPHORA_NOT_FOUND' });
      expect(await store.get('b')).toBeNull();
    });
    it('refuses a second amphora with the same ID or server name', async () => {
      await store.insert(storedAmphora('a'));
      await expect(store.insert(storedAmphora('b', { serverName: 'amphora-a' }))).rejects.toThrow();
      await expect(store.insert(storedAmphora('a', { serverName: 'another' }))).rejects.toThrow();
      expect(await store.list()).toEqual([storedAmphora('a')]);
    });
    it('compares IDs and names exactly: case and accents count', async () => {
      const ids = ['a', 'A', 'ä'];
      for (const id of ids) await store.insert(storedAmphora(id, { worker: id }));
      for (const id of ids) expect(await store.get(id)).toMatchObject({ worker: id });
      expect(await store.get('Ä')).toBeNull();
      await store.update('A', { status: 'DELETED' });
      expect((await store.list()).map(({ id }) => id)).toEqual(['ä', 'a']);
    });
    it('lists the newest first, deleted ones on demand', async () => {
      await store.insert(storedAmphora('a', { createdAt: '2026-11-23T10:00:00.000Z' }));
      await store.insert(storedAmphora('b', { createdAt: '2026-11-23T11:00:00.000Z' }));
      await store.insert(storedAmphora('c', { createdAt: '2026-11-23T11:00:00.000Z', status: 'DELETED' }));
      expect((await store.list()).map(({ id }) => id)).toEqual(['b', 'a']);
      expect((await store.list({ includeDeleted: true })).map(({ id }) => id)).toEqual(['c', 'b', 'a']);
    });
    it('knows those under way that have neither load balancer nor operation, and how many there are of each status', async () => {
      await store.insert(storedAmphora('a', { updatedAt: '2026-11-23T11:00:01.000Z' }));
      await store.insert(storedAmphora('b', { status: 'PENDING_DELETE' }));
      await store.insert(storedAmphora('c', { status: 'PENDING_DELETE', loadBalancerId: 'lb' }));
      await store.insert(storedAmphora('d', { status: 'READY' }));
      await store.insert(storedAmphora('e', { status: 'DELETED' }));
      await store.insert(storedAmphora('f', { status: 'BOOTING' }));
      await createJournal(database, clock).enqueue({
        id: 'op',
        flow: 'update-listener',
        subject: 'f',
        input: {},
        priority: 0,
      });
      expect((await store.listWithoutOperation()).map(({ id }) => id)).toEqual(['b', 'a']);
      expect(await store.countByStatus()).toEqual({ BOOTING: 2, PENDING_DELETE: 2, READY: 1 });
    });
    const all: AmphoraListQuery = { projectId: null, filters: {}, sort: [], limit: 100 };
    const idsOf = async (query: Partial<AmphoraListQuery>) =>
      (await store.listPage({ ...all, ...query })).map(({ id }) => id);
    it('gives pages, filtered, sorted, forwards and backwards', async () => {
      const images = ['i', 'j', 'i', null, 'i', 'i'];
      for (const [n, imageId] of images.entries()) {
        const status = n === 5 ? 'DELETED' : 'ALLOCATED';
        await store.insert(storedAmphora(`id-${n}`, { imageId, status, createdAt: `2026-11-23T11:0${9 - n}:00.000Z` }));
      }
      expect(await idsOf({})).toEqual(['id-0', 'id-1', 'id-2', 'id-3', 'id-4']);
      expect(await idsOf({ filters: { imageId: ['i'] } })).toEqual(['id-0', 'id-2', 'id-4']);
      expect(await idsOf({ filters: { imageId: [null] } })).toEqual(['id-3']);
      expect(await idsOf({ filters: { status: ['DELETED'] } })).toEqual([]);
      const sort = [{ field: 'createdAt', direction: 'asc' as const }];
      expect(await idsOf({ sort, limit: 2 })).toEqual(['id-4', 'id-3']);
      expect(await idsOf({ sort, limit: 2, marker: 'id-3' })).toEqual(['id-2', 'id-1']);
      expect(await idsOf({ sort, limit: 2, marker: 'id-2', reverse: true })).toEqual(['id-4', 'id-3']);
      expect(await idsOf({ marker: 'nowhere' })).toEqual([]);
      await expect(idsOf({ filters: { timings: ['{}'] } })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    });
    it("gives a project's alone", async () => {
      const balancers = createLoadBalancerStore(database, clock);
      for (const [id, projectId] of [
        ['lb-1', 'p1'],
        ['lb-2', 'p2'],
      ] as const) {
        await balancers.apply({
          loadBalancerId: id,
          mutableFrom: [],
          rows: [{ kind: 'loadbalancer', put: storedLoadBalancer(id, { projectId }) }],
          operation: null,
        });
      }
      await store.insert(storedAmphora('a', { loadBalancerId: 'lb-1' }));
      await store.insert(storedAmphora('b', { loadBalancerId: 'lb-2' }));
      await store.insert(storedAmphora('c'));
      expect(await idsOf({ projectId: 'p2' })).toEqual(['b']);
      expect(await idsOf({ projectId: 'p3' })).toEqual([]);
      expect(await idsOf({})).toEqual(['a', 'b', 'c']);
    });
    it('has one of a load balancer that is in ERROR watched, also if it never served', async () => {
      await store.insert(storedAmphora('given-up', { status: 'BOOTING', loadBalancerId: 'lb' }));
      await store.insert(storedAmphora('nobodys', { status: 'BOOTING' }));
      await store.insert(storedAmphora('heard', { status: 'ALLOCATED', loadBalancerId: 'lb' }));
      const health = createHealthStore(database, clock);
      await health.watch('heard');
      const since = clock.now().toISOString();
      await clock.sleep(60_000);
      for (const id of ['given-up', 'nobodys', 'heard']) await store.update(id, { status: 'ERROR' });
      expect(await health.lastHeard('given-up')).toBe(clock.now().toISOString());
      expect(await health.lastHeard('heard')).toBe(since);
      expect(await health.lastHeard('nobodys')).toBeNull();
    });
    it('marks one in ERROR for deletion, together with the operation, and no other', async () => {
      const journal = createJournal(database, clock);
      const operation = (id: string): NewOperation => ({
        id,
        flow: 'update-listener',
        subject: 'a',
        input: {},
        priority: 0,
      });
      await store.insert(storedAmphora('a', { status: 'ERROR' }));
      await store.insert(storedAmphora('b', { status: 'ALLOCATED' }));
      await store.insert(storedAmphora('c', { status: 'DELETED' }));
      await store.requestDeletion('a', operation('op-1'));
      expect(await store.get('a')).toMatchObject({ status: 'PENDING_DELETE' });
      for (const [id, code] of [
        ['a', 'IMMUTABLE'],
        ['b', 'IMMUTABLE'],
        ['c', 'AMPHORA_NOT_FOUND'],
        ['d', 'AMPHORA_NOT_FOUND'],
      ] as const) {
        await expect(store.requestDeletion(id, operation('op-2'))).rejects.toMatchObject({ code });
      }
      expect((await journal.list({ limit: 10 })).map(({ id }) => id)).toEqual(['op-1']);
      expect(await store.get('b')).toMatchObject({ status: 'ALLOCATED' });
    });
    it('makes an amphora and the operation that boots it at once, or neither', async () => {
      const journal = createJournal(database, clock);
      const operation: NewOperation = {
        id: 'op-1',
        flow: 'update-listener',
        subject: 'a',
        input: { amphoraId: 'a' },
        priority: 5,
      };
      await store.requestBoot(storedAmphora('a'), operation);
      expect(await store.get('a')).toEqual(storedAmphora('a'));
      expect(await journal.get('op-1')).toMatchObject({ operation: { ...operation, status: 'queued' }, entries: [] });
      await expect(store.requestBoot(storedAmphora('a'), { ...operation, id: 'op-2' })).rejects.toThrow();
      expect(await journal.get('op-2')).toBeNull();
    });
    it('gives an operation with a journal once, however many ask for it', async () => {
      const journal = createJournal(database, clock);
      const operation: NewOperation = { id: 'op-1', flow: 'update-listener', subject: 'a', input: {}, priority: 0 };
      const started = { kind: 'started', step: 'one' } as const;
      const reason = { code: 'BOOT_FAILED', message: 'so', advice: 'again' };
      const answers = await Promise.all([1, 2, 3].map(() => store.adopt(operation, [started])));
      expect(answers.toSorted()).toEqual([false, false, true]);
      expect(await journal.get('op-1')).toMatchObject({ operation: { status: 'queued' }, entries: [started] });
      const failed = { kind: 'failed', step: 'one', reason } as const;
      await store.adopt({ ...operation, id: 'op-2', subject: 'b' }, [started, failed]);
      const turned = await journal.claim('op-2', 'w');
      expect(turned).toMatchObject({ operation: { status: 'undoing', reason }, entries: [started, failed] });
      // What comes next comes after it.
      await journal.record('op-2', 1, { kind: 'undone', step: 'one' });
      expect((await journal.get('op-2'))?.entries.map(({ kind }) => kind)).toEqual(['started', 'failed', 'undone']);
    });
    it('settles an amphora with the end of its operation; one that is DELETED stays so', async () => {
      const journal = createJournal(database, clock);
      const reason = { code: 'BOOT_FAILED', message: 'so', advice: 'again' };
      for (const [id, end] of [
        ['a', 'done'],
        ['b', { undone: reason }],
        ['c', { undone: reason }],
      ] as const) {
        await store.requestBoot(storedAmphora(id, { worker: 'w' }), {
          id: `op-${id}`,
          flow: 'update-listener',
          subject: id,
          input: {},
          priority: 0,
        });
        if (id === 'c') await store.update(id, { status: 'DELETED' });
        await journal.claim(`op-${id}`, 'w');
        const status = end === 'done' ? 'READY' : 'ERROR';
        const settlement = { amphoraId: id, status, reason: end === 'done' ? null : reason } as const;
        await journal.finish(`op-${id}`, 1, end, { settlement });
      }
      expect(await store.get('a')).toMatchObject({ status: 'READY', worker: null, reason: null });
      expect(await store.get('b')).toMatchObject({ status: 'ERROR', worker: null, reason });
      expect(await store.get('c')).toMatchObject({ status: 'DELETED' });
    });
    it('is opened by many at once, each of which sees what the others wrote', async () => {
      const several = await Promise.all(Array.from({ length: 8 }, () => openDatabase(subject.connection, clock)));
      await Promise.all(several.map((other, n) => createAmphoraStore(other, clock).insert(storedAmphora(`id-${n}`))));
      expect(await store.list()).toHaveLength(8);
      await Promise.all(several.map((other) => other.destroy()));
    });
    it('is made by several processes at once', async () => {
      const fresh = await makeSubject();
      const script = `
        import { openDatabase } from ${JSON.stringify(join(import.meta.dirname, '../../../src/adapters/storage/database.ts'))};
        const clock = { sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
        const database = await openDatabase(${JSON.stringify(fresh.connection)}, clock);
        await database.selectFrom('kiln_amphora').selectAll().execute();
        await database.destroy();`;
      const run = () =>
        new Promise<number | null>((resolve) => {
          const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
          child.on('exit', resolve);
        });
      expect(await Promise.all([run(), run(), run(), run()])).toEqual([0, 0, 0, 0]);
      await fresh.close();
    });
    it('makes its tables again without harm when the note that they are made was lost', async () => {
      await store.insert(storedAmphora('a'));
      await database.deleteFrom('kiln_migration' as 'kiln_amphora').execute();
      const again = await openDatabase(subject.connection, clock);
      expect(await createAmphoraStore(again, clock).list()).toHaveLength(1);
      await again.destroy();
    });
  });
}
