import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { databaseStatus, openDatabase } from '../../src/adapters/storage/database.ts';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import type { DatabaseSubject } from './contract/amphora-store.ts';
import { madeUpFlow } from './made-up-flow.ts';
import { newerMigrations } from './newer-migrations.ts';

/**
 * Old and new processes over one database. The old ones are this version; the new ones are this version with one more
 * change of the tables, as the next version will have: two versions that exist can't be built from one tree.
 */
export function describeRollingUpgrade(name: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`Rolling upgrade: ${name}`, () => {
    const clock = createSystemClock();
    let subject: DatabaseSubject;
    let children: ChildProcess[];
    beforeEach(async () => {
      subject = await makeSubject();
      children = [];
    });
    afterEach(async () => {
      for (const child of children) child.kill('SIGKILL');
      await subject.close();
    });

    async function start(version: 'old' | 'new'): Promise<ChildProcess> {
      const script = join(import.meta.dirname, 'rolling-worker.ts');
      const child = spawn(process.execPath, [script, subject.connection, version], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(child);
      const said = await Promise.race([
        once(child.stdout, 'data').then(([data]) => String(data)),
        once(child, 'exit').then(([code]) => `ended with ${code}`),
      ]);
      expect(said).toBe('ready\n');
      return child;
    }

    it('old and new workers side by side, an old one killed and started again, and the way back', async () => {
      const old = await start('old');
      const database = await openDatabase(subject.connection, clock);
      const journal = createJournal(database, clock);
      const enqueue = async (prefix: string) => {
        for (let n = 0; n < 8; n++)
          await journal.enqueue({
            id: `${prefix}${n}`,
            flow: madeUpFlow('roll'),
            subject: `${prefix}${n}`,
            input: {},
            priority: 0,
          });
      };
      const allDone = () =>
        vi.waitFor(
          async () => {
            const operations = await journal.list({ limit: 100 });
            expect(operations.filter(({ status }) => status !== 'done')).toEqual([]);
          },
          { timeout: 60_000, interval: 200 },
        );

      await enqueue('a');
      const next = await start('new'); // The tables change under the old one's feet.
      // On a busy machine what there was may be done before the new one has started.
      await enqueue('again');
      await vi.waitFor(async () => expect(await journal.claimed()).not.toEqual([]), { timeout: 60_000, interval: 20 });
      old.kill('SIGKILL');
      const again = await start('old'); // It meets a change that it doesn't know.
      await enqueue('b');
      await allDone();

      next.kill('SIGTERM');
      expect((await once(next, 'exit'))[0]).toBe(0);
      await enqueue('c');
      await allDone();
      again.kill('SIGTERM');
      expect((await once(again, 'exit'))[0]).toBe(0);
      await database.destroy();

      const { migrations } = await databaseStatus(subject.connection);
      expect(migrations.at(-1)).toMatchObject({
        name: '9999-newer',
        newer: 'compatible',
        executedAt: expect.any(String),
      });
    });

    it('a change that is not compatible is refused at once, with what to do, and changes nothing', async () => {
      const newer = await openDatabase(subject.connection, clock, undefined, { own: newerMigrations(false) });
      const opening = openDatabase(subject.connection, clock);
      await expect(opening).rejects.toMatchObject({
        code: 'STATE_UNUSABLE',
        retryable: false,
        message: expect.stringContaining('9999-newer'),
        advice: expect.stringContaining('Start the version that made the change'),
      });
      expect((await databaseStatus(subject.connection)).migrations.at(-1)).toMatchObject({ newer: 'incompatible' });
      await newer.destroy();
    });
  });
}
