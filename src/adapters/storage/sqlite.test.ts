import SqliteDriver from 'better-sqlite3';
import { type Kysely, sql } from 'kysely';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { newSqlite } from '../../../test/kit/sqlite.ts';
import { openDatabase } from './database.ts';
import type { Schema } from './schema.ts';

let close: () => Promise<unknown>;
let database: Kysely<Schema>;
/** Another process, as far as SQLite can see. */
let other: InstanceType<typeof SqliteDriver>;

beforeEach(async () => {
  const subject = await newSqlite();
  database = await openDatabase(subject.connection, createFakeClock({ autoAdvance: true }));
  await sql`create table written (n integer primary key)`.execute(database);
  other = new SqliteDriver(subject.connection.replace('sqlite:///', ''));
  other.exec('begin immediate');
  close = async () => {
    vi.restoreAllMocks();
    other.close();
    await database.destroy();
    await subject.close();
  };
});
afterEach(() => close());

const write = (n: number, within: Kysely<Schema> = database) => sql`insert into written values (${n})`.execute(within);

it('waits for another process that writes without holding this one up', async () => {
  // It ends only if timers have their turns meanwhile.
  let turns = 0;
  const timer = setInterval(() => {
    if (++turns === 20) other.exec('commit');
  }, 10);
  const order: number[] = [];
  try {
    await Promise.all([
      write(1).then(() => order.push(1)),
      database.transaction().execute(async (transaction) => {
        await write(2, transaction);
        await write(3, transaction);
        order.push(2, 3);
      }),
      database
        .transaction()
        .execute((transaction) => write(4, transaction))
        .then(() => order.push(4)),
      write(5).then(() => order.push(5)),
    ]);
  } finally {
    clearInterval(timer);
  }
  expect(order).toEqual([1, 2, 3, 4, 5]);
  expect(other.prepare('select n from written order by n').pluck().all()).toEqual([1, 2, 3, 4, 5]);
  // What was waited for holds nothing of it: another process may write.
  other.exec('insert into written values (6)');
});

it('gives up after a while, and reads meanwhile', async () => {
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 1_000));
  await expect(write(1)).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
  const begun = database.transaction().execute((transaction) => write(2, transaction));
  await expect(begun).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
  const read = database.transaction().setAccessMode('read only');
  expect(await read.execute((reading) => sql`select n from written`.execute(reading))).toMatchObject({ rows: [] });
  other.exec('commit');
  await write(3);
}, 5_000);
