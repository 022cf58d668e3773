import { spawn } from 'node:child_process';
import { mkdir, open, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentFiles } from '../files.ts';
import { haproxyProgram, missing } from './program.ts';
import { HaproxySilentError, queryHaproxy, reachablePath, readHaproxyInfo } from './stats-socket.ts';

/** Files of one HAProxy: all absolute but `statsSocket`'s name in the configuration. */
export interface HaproxyFiles {
  workingDirectory: string;
  /** Read in this order, as if they were one. */
  configurations: readonly string[];
  pidFile: string;
  logFile: string;
  statsSocket: string;
  serversState: string;
}

/** Where everything of one load balancer is. @param configurations what its HAProxy reads. */
export function haproxyFiles(files: AgentFiles, id: string, configurations: readonly string[]): HaproxyFiles {
  const folder = files.folderOf(id);
  return {
    workingDirectory: files.base,
    configurations,
    pidFile: join(folder, `${id}.pid`),
    logFile: join(folder, 'haproxy.log'),
    statsSocket: join(files.base, `${id}.sock`),
    serversState: join(folder, 'servers-state'),
  };
}

const startWithinMs = 10_000;
const stopWithinMs = 5000;
const pollMs = 20;
const longestLogBytes = 1024 * 1024;

/** Said instead of starting another HAProxy. */
export const unkillable = 'Processes of HAProxy do not end, though they were killed.';

/**
 * The master of a running HAProxy. The PID file tells which process, and its command line whether it is that one still:
 * so an agent that was started anew knows the HAProxy that its predecessor left.
 */
export async function runningMaster(files: HaproxyFiles): Promise<number | null> {
  const read = Number((await readFile(files.pidFile, 'utf8').catch(() => '')).trim());
  const pid = Number.isSafeInteger(read) && read > 1 ? read : (masters.get(files.pidFile) ?? null);
  if (pid === null) return null;
  for (let look = 0; look < 5; look++) {
    // Empty for a process that has ended and that nobody has waited for yet, and for a moment while one executes itself.
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
    if (commandLine?.split('\0').includes(files.pidFile)) {
      masters.set(files.pidFile, pid);
      return pid;
    }
    if (commandLine !== '') break;
    await sleep(pollMs);
  }
  masters.delete(files.pidFile);
  return null;
}

/**
 * The master executes itself anew at a reload, and once more when the new worker runs, each time without its PID file
 * for a while; its PID stays. Whoever believed the missing file would start a second HAProxy beside it.
 */
const masters = new Map<string, number>();

/**
 * Starts HAProxy, master and worker, in our own process group and never as a daemon: whoever ends the amphora ends it
 * by its group. Waits until the worker answers and `runningMaster` knows it; none is left of one that does not.
 * What is left of one whose master has ended is killed before.
 * @returns null when it runs, else what HAProxy said. @throws HaproxyMissingError; an Error for too long a path
 */
export async function startHaproxy(haproxyCmd: string, files: HaproxyFiles, peerName: string): Promise<string | null> {
  // Else it would start, and nobody could ask it anything.
  reachablePath(files.statsSocket);
  if (!(await killHaproxy(files))) return unkillable;
  await rm(files.pidFile, { force: true });
  await rm(files.statsSocket, { force: true });
  await mkdir(dirname(files.logFile), { recursive: true });
  const log = await open(files.logFile, 'a', 0o600);
  try {
    await log.truncate();
    const named = files.configurations.flatMap((file) => ['-f', file]);
    const child = spawn(haproxyProgram(haproxyCmd), ['-W', '-db', '-p', files.pidFile, '-L', peerName, ...named], {
      cwd: files.workingDirectory,
      stdio: ['ignore', log.fd, log.fd],
    });
    const fate: { end?: string; failure?: Error } = {};
    child.once('error', (error) => {
      fate.failure = error;
    });
    child.once('exit', (code, signal) => {
      fate.end = signal ? `ended with signal ${signal}` : `ended with exit status ${code}`;
    });
    // The agent's own end is not put off by it.
    child.unref();
    const over = () => fate.failure !== undefined || fate.end !== undefined;
    // A worker may answer before the master has written its PID; until then nobody would know that it runs.
    const runs = async () => (await answeringWorker(files)) !== null && (await runningMaster(files)) !== null;
    const settled = await until(startWithinMs, async () => over() || (await runs()));
    if (fate.failure) throw missing(haproxyCmd, fate.failure.message);
    if (settled && !over()) return null;
    const fault = `HAProxy ${fate.end ?? 'did not answer in time'}.`;
    await killHaproxy(files);
    return `${await readFile(files.logFile, 'utf8')}${fault}`;
  } finally {
    await log.close();
  }
}

/**
 * Has a running HAProxy read its configuration anew: a new worker takes over, the old one serves its connections to
 * their end. @returns null when the new one answers, else what HAProxy said; the old one then goes on.
 * @param oldWorker the one that answers now: one that is too busy to answer would look like a new one later. null: unknown, as
 * nobody listens at the stats socket. HAProxy does not make its file anew at a reload, so where that was removed the new worker
 * serves, and can't be asked either.
 */
export async function reloadHaproxy(
  master: number,
  oldWorker: string | null,
  files: HaproxyFiles,
): Promise<string | null> {
  await saveServersState(files);
  const { size } = await stat(files.logFile);
  const logStart = size > longestLogBytes ? 0 : size;
  if (logStart === 0) await truncate(files.logFile);
  process.kill(master, 'SIGUSR2');
  const said = async () => (await readFile(files.logFile)).subarray(logStart).toString('utf8');
  // The master unlinks its PID file when it begins and writes it anew: until then it would not be known as running, and
  // be started once more beside itself.
  const knownAgain = async () => (await runningMaster(files)) === master;
  let failed = false;
  let now: string | null = null;
  const taken = await until(startWithinMs, async () => {
    failed = (await said()).includes('Loading failure');
    now = await answeringWorker(files);
    return (failed || (now !== null && now !== oldWorker)) && (await knownAgain());
  });
  if (taken && !failed) return null;
  const goesOn = failed || now !== null;
  return `${await said()}HAProxy ${goesOn ? 'goes on with its old configuration' : 'does not answer at its stats socket'}`;
}

/** Takes no more connections, gives those under way so long, and ends. */
export async function drainHaproxy(master: number, files: HaproxyFiles, drainWithinMs: number): Promise<void> {
  await until(drainWithinMs, async () => {
    // Again and again: one that has only just begun loses the first. What is ending already is not disturbed.
    signal(master, 'SIGUSR1');
    return (await runningMaster(files)) === null;
  });
  await stopHaproxy(master, files);
}

/** Ends master and worker. Connections are cut, as `systemctl stop` cuts them. */
export async function stopHaproxy(master: number, files: HaproxyFiles): Promise<void> {
  signal(master, 'SIGTERM');
  const gone = async () => (await runningMaster(files)) === null;
  if (!(await until(stopWithinMs, gone))) await killHaproxy(files);
  await rm(files.pidFile, { force: true });
  await rm(files.statsSocket, { force: true });
}

/**
 * Ends a HAProxy that hangs: master, worker, and old workers that serve their last connections. A worker ends by itself when its
 * master is killed, but not while it hangs: then it keeps the listening sockets, and what connects to them is never answered.
 * @returns false when some are left: they wait in the kernel for a disk, say. Another HAProxy must not be started beside them.
 */
export async function killHaproxy(files: HaproxyFiles): Promise<boolean> {
  for (const pid of await processesOf(files)) signal(pid, 'SIGKILL');
  return await until(stopWithinMs, async () => (await processesOf(files)).length === 0);
}

/** All whose command line names the PID file: a worker has that of its master. */
async function processesOf(files: HaproxyFiles): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 1);
  const named = async (pid: number) => {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return commandLine.split('\0').includes(files.pidFile) ? [pid] : [];
  };
  return (await Promise.all(pids.map(named))).flat();
}

/** PID of the worker that answers on the stats socket; null when none does. */
export async function answeringWorker(files: HaproxyFiles, limitMs?: number): Promise<string | null> {
  return await readHaproxyInfo(files.statsSocket, limitMs).then(
    (info) => info.get('Pid') ?? null,
    () => null,
  );
}

/**
 * The same of one that may be busy. Without a worker, `hangs` says whether HAProxy listens at its stats socket all the same; if not
 * (its file was removed, say), it may well serve.
 */
export async function awaitWorker(
  files: HaproxyFiles,
  limitMs: number,
): Promise<{ worker: string | null; hangs: boolean }> {
  let found: { worker: string | null; hangs: boolean } = { worker: null, hangs: false };
  await until(limitMs, async () => {
    found = await readHaproxyInfo(files.statsSocket, limitMs).then(
      (info) => ({ worker: info.get('Pid') ?? null, hangs: false }),
      (error) => ({ worker: null, hangs: error instanceof HaproxySilentError }),
    );
    return found.worker !== null;
  });
  return found;
}

/** What HAProxy said since it was started; nothing where there is no log. */
export async function readLog(files: HaproxyFiles): Promise<string> {
  return await readFile(files.logFile, 'utf8').catch(() => '');
}

/** What a reloaded HAProxy begins with: which members were up. Losing it costs a health check's time, no more. */
async function saveServersState(files: HaproxyFiles): Promise<void> {
  const state = await queryHaproxy(files.statsSocket, 'show servers state').catch(() => null);
  if (state === null) return;
  const file = await open(files.serversState, 'w', 0o600);
  try {
    await file.writeFile(`${state}\n`);
  } finally {
    await file.close();
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // ESRCH: gone is what was wanted.
  }
}

/** False when `limitMs` pass before `condition` holds. */
async function until(limitMs: number, condition: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await sleep(pollMs);
  }
  return true;
}
