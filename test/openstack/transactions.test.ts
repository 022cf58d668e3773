import { type Kysely, sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openDatabase } from '../../src/adapters/storage/database.ts';
import { createFakeClock } from '../kit/fakes/fake-clock.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/** Transactions have sessions of their own, in which no `begin` is sent. */
type Database = Kysely<Record<string, Record<string, unknown>>>;

let made: Awaited<ReturnType<typeof makeDatabase>>;
let database: Database;
const statements: string[] = [];

beforeAll(async () => {
  made = await makeDatabase();
  const opened = await openDatabase(made.connection, createFakeClock(), ({ query }) => void statements.push(query.sql));
  database = opened as unknown as Database;
  await sql`create table one (id int primary key) engine = innodb`.execute(database);
});
afterAll(async () => {
  await database?.destroy();
  await made?.close();
});
beforeEach(async () => {
  await database.deleteFrom('one').execute();
  statements.length = 0;
});

const insert = (executor: Database, id: number) => executor.insertInto('one').values({ id }).execute();
const ids = async (executor: Database = database) =>
  (await executor.selectFrom('one').select('id').orderBy('id').execute()).map(({ id }) => id);

it('are seen by others when they end, and not before', async () => {
  await database.transaction().execute(async (transaction) => {
    await insert(transaction, 1);
    expect(await ids(transaction)).toEqual([1]);
    expect(await ids()).toEqual([]);
  });
  expect(await ids()).toEqual([1]);
  expect(statements.filter((statement) => /^(begin|commit|start)/.test(statement))).toEqual(['commit']);
});

it('leave nothing when they fail, nor does the next one in the same session', async () => {
  for (const id of [1, 2]) {
    const failed = database.transaction().execute(async (transaction) => {
      await insert(transaction, id);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
  }
  await database.transaction().execute((transaction) => insert(transaction, 3));
  expect(await ids()).toEqual([3]);
});

it('leave nothing when a statement of theirs fails', async () => {
  await insert(database, 2);
  const failed = database.transaction().execute(async (transaction) => {
    await insert(transaction, 1);
    await insert(transaction, 2);
  });
  await expect(failed).rejects.toMatchObject({ errno: 1062, stack: expect.stringContaining('transactions.test.ts') });
  expect(await ids()).toEqual([2]);
});

it('may be in a session that somebody else has chosen', async () => {
  await database.connection().execute(async (one) => {
    await insert(one, 1);
    const failed = one.transaction().execute(async (transaction) => {
      await insert(transaction, 2);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
  });
  expect(await ids()).toEqual([1]);
});

it('may be read only: then nothing is written', async () => {
  const failed = database
    .transaction()
    .setAccessMode('read only')
    .execute((transaction) => insert(transaction, 1));
  await expect(failed).rejects.toMatchObject({ errno: 1792 });
  await database.transaction().execute((transaction) => insert(transaction, 2));
  expect(await ids()).toEqual([2]);
});

it('are many at once, and so is what is none', async () => {
  const all = Array.from({ length: 40 }, (_none, id) => id);
  await Promise.all(
    all.map((id) =>
      id % 2 === 0
        ? insert(database, id)
        : database.transaction().execute(async (transaction) => {
            await insert(transaction, id);
            // Needs a session outside, too.
            await ids();
          }),
    ),
  );
  expect(await ids()).toEqual(all);
});
