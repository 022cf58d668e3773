import SqliteDriver from 'better-sqlite3';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { withStatementCache } from './statement-cache.ts';

describe('prepared statements of SQLite', () => {
  const driver = () => new SqliteDriver(':memory:');
  const opened: { close(): void }[] = [];
  function open(mostStatements?: number) {
    const database = driver();
    const prepare = vi.spyOn(database, 'prepare');
    const cache = withStatementCache(database, mostStatements);
    opened.push(cache);
    return { database, cache, prepare };
  }
  afterEach(() => {
    for (const one of opened.splice(0)) one.close();
  });

  it('are prepared once, as long as they are among the last', () => {
    const { cache, prepare } = open(2);
    for (const text of ['select 1', 'select 2', 'select 1', 'select 3', 'select 1']) cache.prepare(text);
    expect(prepare).toHaveBeenCalledTimes(3);
    cache.prepare('select 2');
    expect(prepare).toHaveBeenCalledTimes(4);
  });

  it('know the columns that a table has by now', () => {
    const { database, cache } = open();
    database.exec('create table t (a); insert into t values (1)');
    expect(cache.prepare('select * from t').all([])).toEqual([{ a: 1 }]);
    database.exec('alter table t add column b default 2');
    expect(cache.prepare('select * from t').all([])).toEqual([{ a: 1, b: 2 }]);
    database.exec('alter table t drop column a');
    expect(cache.prepare('select * from t').all([])).toEqual([{ b: 2 }]);
  });

  it('can be used again after they have failed', () => {
    const { database, cache } = open();
    database.exec('create table t (a primary key)');
    const insert = () => cache.prepare('insert into t values (1)').run([]);
    insert();
    expect(insert).toThrow(/UNIQUE/);
    database.exec('delete from t');
    expect(insert).not.toThrow();
  });
});
