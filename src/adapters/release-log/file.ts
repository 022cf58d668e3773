import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { KilnError } from '../../model/errors.ts';
import type { OctaviaRecord } from '../../model/octavia-release.ts';
import type { Clock } from '../../ports/clock.ts';
import type { OctaviaReleaseLog } from '../../ports/octavia-release-log.ts';

const LINE_FEED = 0x0a;

/**
 * A state file of JSON Lines.
 * @param options.create false: a file that is not there is STATE_UNUSABLE.
 */
export async function openReleaseLog(
  path: string,
  clock: Clock,
  options: { create: boolean },
): Promise<OctaviaReleaseLog> {
  const file = await openFile(path, options.create);
  let offset = 0;
  let lockFile: Database.Database | null = null;

  return {
    async read() {
      const { size } = await file.stat();
      const bytes = Buffer.alloc(Math.max(0, size - offset));
      await file.read(bytes, 0, bytes.length, offset);
      // What has no end yet is being written, or never will be.
      const end = bytes.lastIndexOf(LINE_FEED) + 1;
      offset += end;
      return bytes.subarray(0, end).toString('utf8').split('\n').flatMap(recordOf);
    },

    async append(event) {
      const line = `${JSON.stringify({ atMs: clock.now().getTime(), ...event })}\n`;
      await file.appendFile((await endsInside(file)) ? `\n${line}` : line);
      await file.datasync();
    },

    async lock() {
      if (lockFile) return true;
      const database = new Database(`${path}.lock`);
      try {
        // Until the process ends, however it ends: the kernel takes the lock back.
        database.pragma('busy_timeout = 0');
        database.exec('BEGIN EXCLUSIVE');
      } catch (error) {
        database.close();
        if ((error as { code?: string }).code === 'SQLITE_BUSY') return false;
        throw error;
      }
      lockFile = database;
      return true;
    },

    async close() {
      lockFile?.close();
      await file.close();
    },
  };
}

async function openFile(path: string, create: boolean): Promise<FileHandle> {
  try {
    if (!create) await (await open(path, 'r')).close();
    const file = await open(path, 'a+', 0o600);
    if (create) {
      // Its name has to outlive a crash as well.
      const folder = await open(dirname(path), 'r');
      await folder.sync();
      await folder.close();
    }
    return file;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const what = code === 'ENOENT' && !create ? 'is not there' : `can't be opened: ${message}`;
    throw new KilnError('STATE_UNUSABLE', `the state file ${path} ${what}`, {
      cause,
      advice: 'Name the file that `kiln release start --octavia` wrote, with --state-file.',
    });
  }
}

/** Whoever wrote the last line was killed in the middle of it. */
async function endsInside(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  await file.read(last, 0, 1, size - 1);
  return last[0] !== LINE_FEED;
}

/** A line that was cut off is none: what it was written for was not done. */
function recordOf(line: string): OctaviaRecord[] {
  if (line === '') return [];
  try {
    const record: unknown = JSON.parse(line);
    return typeof record === 'object' && record !== null && 'kind' in record ? [record as OctaviaRecord] : [];
  } catch {
    return [];
  }
}
