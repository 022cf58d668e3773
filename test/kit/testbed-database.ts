import { createConnection } from 'mysql2/promise';
import { readTestbed } from './testbed-access.ts';

/**
 * An empty database, made as an operator makes Octavia's: `utf8` and a collation without case, as OpenStack's guides say.
 * Neither may show through.
 */
export async function makeDatabase(): Promise<{ name: string; connection: string; close(): Promise<void> }> {
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
 * Forgets what the test bed's Octavia believes to be in use. Its counters do not come down when a deletion breaks off, and
 * once nothing is left no request of its API corrects them: after some runs a quota of two is met by none.
 */
export async function forgetOctaviasQuotas(): Promise<void> {
  await administer('delete from octavia.quotas');
}

async function administer(statement: string): Promise<void> {
  const administrator = await createConnection(readTestbed().database);
  await administrator.query(statement);
  await administrator.end();
}
