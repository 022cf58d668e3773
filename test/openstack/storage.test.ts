import { inspect } from 'node:util';
import { sql } from 'kysely';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAmphoraStore } from '../../src/adapters/storage/amphora-store.ts';
import { openDatabase } from '../../src/adapters/storage/database.ts';
import { attempt } from '../../src/adapters/storage/faults.ts';
import type { KilnDatabase } from '../../src/adapters/storage/schema.ts';
import type { AmphoraStore } from '../../src/ports/amphora-store.ts';
import { describeAmphoraStoreContract, storedAmphora } from '../kit/contract/amphora-store.ts';
import { describePurgeContract } from '../kit/contract/purge.ts';
import { createFakeClock, type FakeClock } from '../kit/fakes/fake-clock.ts';
import { describeRollingUpgrade } from '../kit/rolling-upgrade.ts';
import { readTestbed } from '../kit/testbed-access.ts';
import { makeDatabase, migratedDatabases } from '../kit/testbed-database.ts';

/** Kiln's state in the test bed's MariaDB, in databases of this suite's own, made as an operator makes Octavia's. */

let administrator: Connection;
beforeAll(async () => {
  administrator = await createConnection(readTestbed().database);
});
afterAll(() => administrator.end());

describeAmphoraStoreContract('MariaDB', makeDatabase);
describePurgeContract('MariaDB', migratedDatabases());
describeRollingUpgrade('MariaDB', makeDatabase);

describe('MariaDB', () => {
  let subject: Awaited<ReturnType<typeof makeDatabase>>;
  let clock: FakeClock;
  let database: KilnDatabase;
  let store: AmphoraStore;
  /** Another user of the same tables. */
  let rival: Connection;

  beforeEach(async () => {
    clock = createFakeClock({ autoAdvance: true });
    subject = await makeDatabase();
    database = await openDatabase(subject.connection, clock);
    store = createAmphoraStore(database, clock);
    rival = await createConnection({ ...readTestbed().database, database: subject.name });
  });
  afterEach(async () => {
    rival.destroy();
    await database.destroy();
    await subject.close();
  });

  /** Waits until a connection of the store's waits for a row that the rival has locked, and gives its number. */
  async function waitingThread(): Promise<number> {
    const find = async () => {
      const [rows] = await administrator.query<RowDataPacket[]>(
        `select trx_mysql_thread_id as thread from information_schema.innodb_trx
         join information_schema.processlist on id = trx_mysql_thread_id
         where trx_state = 'LOCK WAIT' and db = ?`,
        [subject.name],
      );
      const thread: unknown = rows[0]?.thread;
      if (thread === undefined) throw new Error('nobody waits');
      return Number(thread);
    };
    return vi.waitFor(find, { timeout: 60_000, interval: 150 }); // InnoDB renews that table every 100 ms at most.
  }

  async function lockRow(id: string): Promise<void> {
    await rival.query('begin');
    await rival.query('select * from kiln_amphora where id = ? for update', [id]);
  }

  it('a call whose connection is killed says so; the next one works', async () => {
    await store.insert(storedAmphora('a'));
    await lockRow('a');
    const updating = store.update('a', { status: 'READY' }).catch((error: unknown) => error);
    await administrator.query(`kill ${await waitingThread()}`);
    expect(await updating).toMatchObject({ code: 'STATE_UNUSABLE', retryable: true });
    await rival.query('rollback');
    expect(await store.get('a')).toMatchObject({ status: 'BOOTING' });
    await store.update('a', { status: 'READY' });
    expect(await store.get('a')).toMatchObject({ status: 'READY' });
  });

  it('a call that gets no answer ends by read_timeout; the next one works', async () => {
    await store.insert(storedAmphora('a'));
    const hasty = await openDatabase(`${subject.connection}&read_timeout=1`, clock);
    await lockRow('a');
    const updating = createAmphoraStore(hasty, clock).update('a', { status: 'READY' });
    await expect(updating).rejects.toMatchObject({ code: 'STATE_UNUSABLE', retryable: true });
    expect(await createAmphoraStore(hasty, clock).get('a')).toMatchObject({ status: 'BOOTING' });
    await hasty.destroy();
    await rival.query('rollback');
  });

  it('idle connections that the server closes are replaced unnoticed', async () => {
    await Promise.all(Array.from({ length: 5 }, () => store.list()));
    const [rows] = await administrator.query<RowDataPacket[]>(
      'select id from information_schema.processlist where db = ? and id != ?',
      [subject.name, rival.threadId],
    );
    expect(rows.length).toBeGreaterThan(1);
    for (const { id } of rows) await administrator.query(`kill ${id}`);
    await vi.waitFor(async () => expect(await store.list()).toEqual([]), { timeout: 60_000 });
    expect(await Promise.all(Array.from({ length: 5 }, () => store.list()))).toHaveLength(5);
  });

  it('a transaction that InnoDB gave up in favour of another is run again', async () => {
    await rival.query('begin');
    // The rival has done more, so that the store's transaction is the one that is undone.
    for (let n = 0; n < 10; n++) await insertAsRival(`rival-${n}`, n === 0 ? 'contested' : `rival-${n}`);
    const inserting = store.insert(storedAmphora('b', { serverName: 'contested' }));
    await waitingThread(); // It holds `b` and waits for `contested`.
    const before = clock.sleeps.length;
    await rival.query("select * from kiln_amphora where id = 'b' for update"); // The deadlock.
    await rival.query('rollback');
    await inserting;
    expect(clock.sleeps.slice(before)).toEqual([50]);
    expect((await store.list()).map(({ id }) => id)).toEqual(['b']);
  });
  async function insertAsRival(id: string, serverName: string): Promise<void> {
    await rival.query(
      "insert into kiln_amphora (id, server_name, status, timings, created_at, updated_at) values (?, ?, 'x', '{}', '', '')",
      [id, serverName],
    );
  }

  it('a transaction whose tables a newer version changes meanwhile is run again', async () => {
    let runs = 0;
    const count = () =>
      database.transaction().execute(async (transaction) => {
        await transaction.selectFrom('kiln_amphora').select('id').execute();
        runs++;
        if (runs === 1) await rival.query('alter table kiln_pool add of_a_newer_version int, algorithm = copy');
        return await transaction.selectFrom('kiln_pool').select('id').execute();
      });
    expect(await attempt(clock, count)).toEqual([]);
    expect(runs).toBe(2);
  });

  it('refuses what does not fit instead of cutting it', async () => {
    await store.insert(storedAmphora('a'));
    await expect(store.update('a', { worker: 'w'.repeat(256) })).rejects.toThrow(/too long/);
    expect(await store.get('a')).toEqual(storedAmphora('a'));
    const { rows } = await sql`select @@sql_mode as mode, @@collation_connection as collation`.execute(database);
    expect(rows).toEqual([{ mode: expect.stringContaining('TRADITIONAL'), collation: 'utf8mb4_bin' }]);
  });

  it('a refused login is reported without the password, and at once', async () => {
    const { user, host, port } = readTestbed().database;
    const wrong = `mysql+pymysql://${user}:not-the-word@${host}:${port}/${subject.name}`;
    const error = await openDatabase(wrong, clock).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'STATE_UNUSABLE', retryable: false });
    expect((error as Error).message).toMatch(/Access denied for user 'openstack'/);
    expect(inspect(error, { depth: 10 })).not.toContain('not-the-word');
    expect(clock.sleeps).toEqual([]);
  });

  it('where TLS was asked for and the server has none, no password is sent', async () => {
    const opening = openDatabase(`${subject.connection}&ssl_check_hostname=false`, clock);
    await expect(opening).rejects.toMatchObject({ code: 'STATE_UNUSABLE', retryable: false });
    await expect(opening).rejects.toThrow(/does not support secure connection/);
  });

  it('a database that does not exist is named', async () => {
    const connection = subject.connection.replace(subject.name, 'kiln_nowhere');
    await expect(openDatabase(connection, clock)).rejects.toThrow(/database kiln_nowhere .* Unknown database/);
  });
});
