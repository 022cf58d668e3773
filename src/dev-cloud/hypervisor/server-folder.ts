import { open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { killGroup, readStartTime } from './guest-process.ts';

/** Where one server's things lie. */
export interface ServerFolder {
  path: string;
  /** The server's file system: the unpacked image with the configuration drive's files. */
  root: string;
  consoleFile: string;
  /** How to start it again: a `GuestRecord`. */
  guestFile: string;
  /** Which process runs it: a `ProcessRecord`. */
  processFile: string;
}

export interface GuestRecord {
  entry: string;
  bindHost: string | null;
}

interface ProcessRecord {
  pid: number;
  startTime: string;
}

export function serverFolder(serversDirectory: string, serverId: string): ServerFolder {
  const path = join(serversDirectory, serverId);
  return {
    path,
    root: join(path, 'root'),
    consoleFile: join(path, 'console.log'),
    guestFile: join(path, 'guest.json'),
    processFile: join(path, 'process.json'),
  };
}

/** Notes which process runs a server, so that the next start can end it if nobody else could. */
export async function recordProcess(folder: ServerFolder, pid: number): Promise<void> {
  const startTime = await readStartTime(pid);
  // Null when it has ended already: then there is nothing to end later.
  if (startTime !== null)
    await writeFile(folder.processFile, JSON.stringify({ pid, startTime } satisfies ProcessRecord));
}

/**
 * Ends the servers that an earlier run left behind: only processes that still have the recorded start time and this
 * server's root on their command line, so that a number used again by somebody else is left alone.
 */
export async function endLeftovers(serversDirectory: string): Promise<void> {
  for (const serverId of await readdir(serversDirectory)) {
    const folder = serverFolder(serversDirectory, serverId);
    const record = await readJson<ProcessRecord>(folder.processFile);
    if (!record) continue;
    const commandLine = await readFile(`/proc/${record.pid}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes(folder.root) && (await readStartTime(record.pid)) === record.startTime) {
      killGroup(record.pid, 'SIGKILL');
    }
    await rm(folder.processFile, { force: true });
  }
}

export async function readJson<T>(file: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch {
    return null;
  }
}

/** Nova's own bound for a console log (`MAX_CONSOLE_BYTES` of its drivers). */
const maxConsoleBytes = 102_400;

/** The end of the console log: at most `lines` lines, and at most 100 KiB. Empty when there is none. */
export async function readConsoleTail(
  { consoleFile }: Pick<ServerFolder, 'consoleFile'>,
  lines: number | null,
): Promise<string> {
  const file = await open(consoleFile).catch(() => null);
  if (!file) return '';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, maxConsoleBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    const text = buffer.toString('utf8', 0, bytesRead);
    if (lines === null) return text;
    const all = text.replace(/\n$/, '').split('\n');
    return lines <= 0 ? '' : `${all.slice(-lines).join('\n')}\n`;
  } finally {
    await file.close();
  }
}
