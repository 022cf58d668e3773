import { type FileHandle, open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { KilnError } from '../../model/errors.ts';
import type { OctaviaRecord } from '../../model/octavia-release.ts';
import type { Clock } from '../../ports/clock.ts';
import type { OctaviaReleaseLog, ReleaseLogUse } from '../../ports/octavia-release-log.ts';

const LINE_FEED = 0x0a;
const flags = { create: 'a+', append: 'a+', read: 'r' } as const;

/**
 * A state file of JSON Lines.
 * @throws STATE_UNUSABLE when it can't be opened so, and from its methods when the disk is full or refuses.
 */
export async function openReleaseLog(path: string, clock: Clock, use: ReleaseLogUse): Promise<OctaviaReleaseLog> {
  const file = await openFile(path, use);
  let offset = 0;
  let lockFile: Database.Database | null = null;

  return {
    async read() {
      const bytes = await readFrom(file, path, offset);
      // What has no end yet is being written, or never will be.
      const end = bytes.lastIndexOf(LINE_FEED) + 1;
      offset += end;
      return bytes.subarray(0, end).toString('utf8').split('\n').flatMap(recordOf);
    },

    async append(event) {
      const line = `${JSON.stringify({ atMs: clock.now().getTime(), ...event })}\n`;
      try {
        await file.appendFile((await endsInside(file)) ? `\n${line}` : line);
        await file.datasync();
      } catch (cause) {
        throw new KilnError('STATE_UNUSABLE', `the state file ${path} can't be written: ${(cause as Error).message}`, {
          cause,
          advice:
            'Nothing was asked of Octavia that is not in it. Make room, or make it writable, then `kiln release resume --octavia` with the same file.',
        });
      }
    },

    async lock() {
      if (lockFile) return true;
      const database = openLockFile(`${path}.lock`);
      try {
        // Until the process ends, however it ends: the kernel takes the lock back.
        database.pragma('busy_timeout = 0');
        database.exec('BEGIN EXCLUSIVE');
      } catch (error) {
        database.close();
        if ((error as { code?: string }).code === 'SQLITE_BUSY') return false;
        throw lockUnusable(`${path}.lock`, error);
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

/** State files of releases in a folder: names that end with `.jsonl`. */
export async function listReleaseLogs(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause: Error) => {
    throw new KilnError('STATE_UNUSABLE', `the folder ${folder} can't be read: ${cause.message}`, {
      cause,
      advice: 'Name a state file in a folder that is there, with --state-file.',
    });
  });
  return names
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => join(folder, name));
}

async function openFile(path: string, use: ReleaseLogUse): Promise<FileHandle> {
  try {
    if (use === 'append') await (await open(path, 'r')).close();
    const file = await open(path, flags[use], 0o600);
    if (use === 'create') {
      // Its name has to outlive a crash as well.
      const folder = await open(dirname(path), 'r');
      await folder.sync();
      await folder.close();
    }
    return file;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const isMissing = code === 'ENOENT' && use !== 'create';
    throw new KilnError(
      'STATE_UNUSABLE',
      `the state file ${path} ${isMissing ? 'is not there' : `can't be opened: ${message}`}`,
      {
        cause,
        advice: isMissing
          ? 'Name the file that `kiln release start --octavia` wrote, with --state-file.'
          : 'Name a file that you may write to, in a folder that is there, with --state-file.',
      },
    );
  }
}

async function readFrom(file: FileHandle, path: string, offset: number): Promise<Buffer> {
  try {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(Math.max(0, size - offset));
    await file.read(bytes, 0, bytes.length, offset);
    return bytes;
  } catch (cause) {
    throw new KilnError('STATE_UNUSABLE', `the state file ${path} can't be read: ${(cause as Error).message}`, {
      cause,
      advice: 'Name the file that `kiln release start --octavia` wrote, with --state-file.',
    });
  }
}

function openLockFile(path: string): Database.Database {
  try {
    return new Database(path);
  } catch (cause) {
    throw lockUnusable(path, cause);
  }
}

const lockUnusable = (path: string, cause: unknown) =>
  new KilnError('STATE_UNUSABLE', `the lock file ${path} can't be used: ${(cause as Error).message}`, {
    cause,
    advice: 'It stands beside the state file: both have to be on a disk that you may write to, and that has room.',
  });

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
