import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A running server: one process group of its own. */
export interface GuestProcess {
  pid: number;
  /** Resolves with words for the end, such as "exit status 1" or "signal SIGKILL". Never rejects. */
  ended: Promise<string>;
  /** Asks the process to end, and after the grace kills its whole group. Resolves when it has ended. */
  stop(graceMilliseconds: number): Promise<void>;
}

/** Directories that programs are found in; nothing else of our environment reaches a server. */
const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Starts a program on the Node.js that we run on, in a process group and session of its own.
 * @param options.consoleFile both outputs are appended to it.
 * @param options.onStarted called with the process group's ID before anything else can happen.
 * @throws when the program can't be started at all.
 */
export async function startGuestProcess(options: {
  arguments: readonly string[];
  workingDirectory: string;
  consoleFile: string;
  onStarted: (processGroupId: number) => void;
}): Promise<GuestProcess> {
  const console = await open(options.consoleFile, 'a', 0o600);
  try {
    const child = spawn(process.execPath, options.arguments, {
      cwd: options.workingDirectory,
      env: { PATH: searchPath },
      stdio: ['ignore', console.fd, console.fd],
      detached: true,
    });
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => {
        // What the program started and left behind in its group goes with it.
        if (child.pid !== undefined) killGroup(child.pid, 'SIGKILL');
        resolve(signal ? `signal ${signal}` : `exit status ${code}`);
      });
    });
    if (child.pid === undefined) {
      const [error] = await once(child, 'error');
      throw error;
    }
    const pid = child.pid;
    options.onStarted(pid);
    child.unref();
    return {
      pid,
      ended,
      stop: async (graceMilliseconds) => {
        // As a machine that is shut down: what the program started is the program's own to end.
        signal(pid, 'SIGTERM');
        const gracePassed = new AbortController();
        const inTime = await Promise.race([
          ended.then(() => true),
          sleep(graceMilliseconds, false, { signal: gracePassed.signal }).catch(() => false),
        ]);
        gracePassed.abort();
        if (!inTime) killGroup(pid, 'SIGKILL');
        await ended;
      },
    };
  } finally {
    await console.close();
  }
}

export function killGroup(processGroupId: number, name: NodeJS.Signals): void {
  signal(-processGroupId, name);
}

/** What is gone already is what was wanted. @param target a process, or with a minus a process group */
function signal(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name);
  } catch {
    // ESRCH
  }
}

/** Field 22 of /proc/PID/stat: clock ticks since boot. With the pid it names a process for good (proc(5)). */
export async function readStartTime(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command's name, field 2, is in parentheses and may hold blanks: count from its end.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
