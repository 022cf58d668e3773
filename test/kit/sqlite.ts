import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../src/adapters/storage/database.ts';
import type { DatabaseSubject } from './contract/amphora-store.ts';
import { createFakeClock } from './fakes/fake-clock.ts';

let template: Promise<Buffer> | null = null;

/**
 * Puts `kiln.sqlite` into the folder, with its tables made already: a copy of one that was migrated once in this process, which
 * takes a hundredth of the time. What tests migrations starts from an empty folder instead.
 * @returns the connection.
 */
export async function sqliteIn(folder: string): Promise<string> {
  template ??= migrated();
  const file = join(folder, 'kiln.sqlite');
  writeFileSync(file, await template);
  return `sqlite:///${file}`;
}

/** As `sqliteIn`, in a folder of its own. */
export async function newSqlite(): Promise<DatabaseSubject> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-sqlite-'));
  return { connection: await sqliteIn(folder), close: async () => rmSync(folder, { recursive: true, force: true }) };
}

async function migrated(): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-sqlite-'));
  const file = join(folder, 'kiln.sqlite');
  try {
    const database = await openDatabase(`sqlite:///${file}`, createFakeClock({ autoAdvance: true }));
    // The last connection moves what is in the write-ahead log into the file.
    await database.destroy();
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
