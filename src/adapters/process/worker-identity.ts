import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { WorkerIdentity } from '../../ports/worker-identity.ts';

/**
 * Identifies processes by host, pid and start time (proc(5), field 22 of stat, in clock ticks since boot). The host is
 * its name, its boot, and the namespace in which pids are counted: containers may share the first two.
 */
export function createWorkerIdentity(): WorkerIdentity {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().slice(0, 8);
  const host = `${hostname()}:${boot}:${/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? ''}`;
  const describe = (pid: number, startTime: string) => `${host}/${pid}/${startTime}`;
  return {
    self: describe(process.pid, startTimeOf(process.pid) ?? '0'),
    isAlive(worker) {
      const [itsHost, pid] = worker.split('/');
      if (itsHost !== host) {
        // Same machine, earlier boot: surely dead. Another machine, or a container beside this one: we can't know.
        const [itsName, itsBoot] = itsHost?.split(':') ?? [];
        return itsName !== hostname() || itsBoot === boot;
      }
      const startTime = startTimeOf(Number(pid));
      return startTime !== null && describe(Number(pid), startTime) === worker;
    },
  };
}

function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name, in parentheses, may hold blanks; fields count from behind it. State Z is a dead process.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}
