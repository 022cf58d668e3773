import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { afterAll } from 'vitest';
import { openDatabase } from '../../src/adapters/storage/database.ts';
import { createFakeClock } from './fakes/fake-clock.ts';
import { readTestbed } from './testbed-access.ts';

export interface TestbedDatabase {
  name: string;
  connection: string;
  close(): Promise<void>;
}

/**
 * An empty database, made as an operator makes Octavia's: `utf8` and a collation without case, as OpenStack's guides say.
 * Neither may show through.
 */
export async function makeDatabase(): Promise<TestbedDatabase> {
  const name = `kiln_test_${process.pid}_${process.hrtime.bigint()}`;
  await administer(`create database ${name} character set utf8 collate utf8_general_ci`);
  const { user, password, host, port } = readTestbed().database;
  return {
    name,
    connection: `mysql+pymysql://${user}:${password}@${host}:${port}/${name}?charset=utf8`,
    close: () => administer(`drop database ${name}`),
  };
}

/**
 * Databases whose tables are made already, for the suites of one file: what one test is done with is emptied, to what its migrations wrote, and
 * given to the next one, in a hundredth of the time. What tests migrations, or changes tables, makes a database of its own. To be called where
 * a file describes its suites; in the end the databases go.
 * @returns makes one, or takes one that is free.
 */
export function migratedDatabases(): () => Promise<TestbedDatabase> {
  const all: TestbedDatabase[] = [];
  const free: TestbedDatabase[] = [];
  afterAll(async () => {
    for (const { close } of all) await close();
  });
  return async () => {
    const found = free.pop();
    if (found) return found;
    const made = await makeDatabase();
    all.push(made);
    const database = await openDatabase(made.connection, createFakeClock({ autoAdvance: true }));
    await database.destroy();
    const restore = await restoration(made.name);
    const reusable = {
      ...made,
      async close() {
        await administer(restore);
        free.push(reusable);
      },
    };
    return reusable;
  };
}

/** Statements that make a database again what it is now, as long as its tables stay as they are. */
async function restoration(name: string): Promise<string> {
  const administrator = await createConnection({ ...readTestbed().database, database: name });
  const statements = ['set foreign_key_checks = 0', 'start transaction'];
  const [tables] = await administrator.query<RowDataPacket[]>('show full tables where Table_type = "BASE TABLE"');
  for (const table of tables.map((row) => `${name}.${String(Object.values(row)[0])}`)) {
    statements.push(`delete from ${table}`);
    const [rows] = await administrator.query<RowDataPacket[]>(`select * from ${table}`);
    for (const row of rows) statements.push(administrator.format(`insert into ${table} set ?`, [row]));
  }
  await administrator.end();
  return [...statements, 'commit'].join(';\n');
}

/**
 * Forgets what the test bed's Octavia believes to be in use. Its counters do not come down when a deletion breaks off, and
 * once nothing is left no request of its API corrects them: after some runs a quota of two is met by none.
 */
export async function forgetOctaviasQuotas(): Promise<void> {
  await administer('delete from octavia.quotas');
}

async function administer(statement: string): Promise<void> {
  const administrator = await createConnection({ ...readTestbed().database, multipleStatements: true });
  await administrator.query(statement);
  await administrator.end();
}
