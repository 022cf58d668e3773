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
  return {
    self: `${host}/${process.pid}/${startTimeOf(process.pid) ?? '0'}`,
    isAlive(worker) {
      const [itsHost = '', pid, itsStart] = worker.split('/');
      const [itsName, itsBoot, itsNamespace] = itsHost.split(':');
      // Another machine; or the same one, before its last boot: surely dead.
      if (itsName !== hostname()) return true;
      if (itsBoot !== boot) return false;
      // A container beside this one. (Kiln 0.1 did not write the namespace down.)
      if (itsNamespace !== undefined && itsHost !== host) return true;
      return itsStart !== undefined && startTimeOf(Number(pid)) === itsStart;
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
