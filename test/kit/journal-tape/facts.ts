import type Database from 'better-sqlite3';

/** A world as a flat list: where a fact stands → its value as JSON text. */
export type Facts = ReadonlyMap<string, string>;

/** Of an in-memory part of the cloud: maps by name. */
type Memory = Readonly<Record<string, Map<string, unknown>>>;

/** Tables that are the same in each new database, or say who works just now. */
const ownTables = /^(sqlite_|kysely_|kiln_migration|kiln_worker$|kiln_job$|kiln_turn$|kiln_build_place$)/;

/** All rows, and everything that the parts of the cloud know. Taken at once: nothing happens in between. */
export function readFacts(database: Database.Database, cloud: Readonly<Record<string, Memory>>): Facts {
  const facts = new Map<string, string>();
  for (const table of tablesOf(database)) {
    const rows = database.prepare(`select rowid as "#", * from ${table}`).all() as Record<string, unknown>[];
    for (const { '#': rowId, ...row } of rows) facts.set(`${table}/${rowId}`, JSON.stringify(row));
  }
  for (const [part, memory] of Object.entries(cloud)) {
    for (const [name, entries] of Object.entries(memory)) {
      for (const [key, value] of entries) facts.set(`${part}.${name}/${key}`, JSON.stringify(value, withMaps));
    }
  }
  return facts;
}

/** Puts a world back, in place of whatever is there. Columns that are newer than the facts have their defaults. */
export function writeFacts(facts: Facts, database: Database.Database, cloud: Readonly<Record<string, Memory>>): void {
  database.pragma('foreign_keys = OFF');
  database.transaction(() => {
    for (const table of tablesOf(database)) database.prepare(`delete from ${table}`).run();
    for (const memory of Object.values(cloud)) for (const entries of Object.values(memory)) entries.clear();
    for (const [place, text] of facts) {
      const [where = '', key = ''] = place.split(/\/(.*)/s);
      const [part = '', name] = where.split('.');
      if (name !== undefined) {
        cloud[part]?.[name]?.set(key, JSON.parse(text, fromMaps));
        continue;
      }
      const row = JSON.parse(text) as Record<string, unknown>;
      const columns = Object.keys(row);
      const values = columns.map(() => '?').join();
      database.prepare(`insert into ${where} (${columns.join()}) values (${values})`).run(...Object.values(row));
    }
  })();
}

/** What makes one world of another. */
export interface Difference {
  set: Record<string, unknown>;
  gone: string[];
}

export function differenceOf(before: Facts, after: Facts): Difference {
  const set: Record<string, unknown> = {};
  for (const [place, text] of after) if (before.get(place) !== text) set[place] = JSON.parse(text);
  return { set, gone: [...before.keys()].filter((place) => !after.has(place)) };
}

export function withDifference(before: Facts, { set, gone }: Difference): Facts {
  const after = new Map(before);
  for (const place of gone) after.delete(place);
  for (const [place, value] of Object.entries(set)) after.set(place, JSON.stringify(value));
  return after;
}

function tablesOf(database: Database.Database): string[] {
  const rows = database.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[];
  return rows.map(({ name }) => name).filter((name) => !ownTables.test(name));
}

const withMaps = (_key: string, value: unknown) => (value instanceof Map ? { '#map': [...value] } : value);
const fromMaps = (_key: string, value: unknown) =>
  typeof value === 'object' && value !== null && '#map' in value
    ? new Map(value['#map'] as [unknown, unknown][])
    : value;
