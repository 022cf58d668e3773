import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/adapters/storage/database.ts';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import type { KilnError } from '../../src/model/errors.ts';
import type { NewOperation } from '../../src/model/operation.ts';
import type { Journal } from '../../src/ports/journal.ts';
import { describeSharedJournalContract } from '../kit/contract/journal.ts';
import { createFakeClock } from '../kit/fakes/fake-clock.ts';
import { type GaleraCluster, galeraIsImpossible, startGaleraCluster } from '../kit/galera-cluster.ts';

/**
 * Kiln's storage on a Galera cluster of three, as clouds have it. Connections are spread over all nodes, which is harder than the usual
 * one writer: what one statement wrote at one node the next one must find at another, and conflicts show at COMMIT.
 */

const impossible = galeraIsImpossible();

describe.skipIf(impossible !== null)(`a Galera cluster (${impossible ?? 'three nodes'})`, () => {
  let cluster: GaleraCluster;
  beforeAll(async () => {
    cluster = await startGaleraCluster();
  }, 300_000);
  afterAll(() => cluster?.close(), 60_000);

  describeSharedJournalContract('Galera', () => cluster.makeDatabase());

  /** As a worker: what may pass is tried again. */
  async function persist<Result>(work: () => Promise<Result>): Promise<Result> {
    for (let tries = 0; ; tries++) {
      try {
        return await work();
      } catch (error) {
        if (!(error as KilnError).retryable || tries > 600) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  async function journalAt(connection: string): Promise<{ journal: Journal; close(): Promise<void> }> {
    const clock = createFakeClock({ autoAdvance: true });
    const database = await openDatabase(connection, clock);
    return { journal: createJournal(database, clock), close: () => database.destroy() };
  }

  const newOperation = (id: string): NewOperation => ({
    id,
    flow: 'update-listener',
    subject: id,
    input: {},
    priority: 0,
  });

  it('nothing is lost or doubled when two nodes write the same rows, and one has to give way at COMMIT', async () => {
    const made = await cluster.makeDatabase();
    const writers = await Promise.all(
      cluster.nodes.map(async (node) => await persist(() => journalAt(node.connectionTo(made.name)))),
    );
    const before = await cluster.conflicts();
    const [first] = writers;
    if (!first) return expect.unreachable('no writer');
    await first.journal.enqueue(newOperation('contested'));
    const fence = (await first.journal.claim('contested', 'w'))?.operation.fence ?? 0;
    const written: string[] = [];
    for (let round = 0; round < 200 && (round < 20 || (await cluster.conflicts()) - before < 5); round++) {
      const results = await Promise.all(
        writers.map(async ({ journal }, node) => {
          const name = `${node}/step-${round}`;
          // Not again: one that says no has to have written nothing.
          return await journal.record('contested', fence, { kind: 'started', step: name }).then(
            () => name,
            (error: KilnError) => {
              expect(error).toMatchObject({ code: 'STATE_UNUSABLE', retryable: true });
              return null;
            },
          );
        }),
      );
      written.push(...results.filter((name) => name !== null));
    }
    const conflicts = (await cluster.conflicts()) - before;
    const entries = (await first.journal.get('contested'))?.entries ?? [];
    console.log(`${conflicts} conflicts between nodes; ${entries.length} entries`);
    expect(conflicts).toBeGreaterThan(0);
    expect(entries.map((entry) => ('step' in entry ? entry.step : null)).sort()).toEqual(written.sort());
    for (const { journal } of writers) expect((await journal.get('contested'))?.entries).toEqual(entries);
    for (const { close } of writers) await close();
    await made.close();
  }, 180_000);

  it('one node is killed: the others go on, nothing that was said to be written is lost, and it comes back with all', async () => {
    const made = await cluster.makeDatabase();
    const { journal, close } = await persist(() => journalAt(made.connection));
    const ids = Array.from({ length: 60 }, (_none, index) => `op-${String(index).padStart(2, '0')}`);
    const [victim, other] = cluster.nodes;
    if (!victim || !other) return expect.unreachable('no nodes');
    const operate = async (id: string) => {
      await persist(() => journal.enqueue(newOperation(id)));
      await persist(async () => {
        // Whoever does not know whether it has ended looks.
        if ((await journal.get(id))?.operation.status === 'done') return;
        const claimed = await journal.claim(id, 'w');
        if (!claimed) throw new Error(`${id} was not to be had`);
        await journal.finish(id, claimed.operation.fence, 'done');
      });
    };
    const working = Promise.all(
      Array.from({ length: 6 }, async (_none, worker) => {
        for (const id of ids.filter((_id, index) => index % 6 === worker)) await operate(id);
      }),
    );
    await expect.poll(async () => (await persist(() => journal.list({ limit: 100 }))).length).toBeGreaterThan(6);
    await victim.kill();
    await working;
    const ended = async () =>
      (await persist(() => journal.list({ limit: 100 }))).map(({ id, status }) => `${id} ${status}`).sort();
    expect(await ended()).toEqual(ids.map((id) => `${id} done`));

    await victim.start();
    await expect.poll(() => victim.clusterSize(), { timeout: 60_000 }).toBe(cluster.nodes.length);
    const there = await persist(() => journalAt(victim.connectionTo(made.name)));
    expect((await there.journal.list({ limit: 100 })).map(({ status }) => status)).toEqual(ids.map(() => 'done'));
    await there.close();
    await close();
    await made.close();
  }, 300_000);
});
