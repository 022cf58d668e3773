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

async function administer(statement: string): Promise<void> {
  const administrator = await createConnection(readTestbed().database);
  await administrator.query(statement);
  await administrator.end();
}
