import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Ends the servers' process groups when this process is gone, however it went. */
export interface Reaper {
  /** From now on the group ends with this process. */
  watch(processGroupId: number): void;
  /** The group has ended; its number may be used again by somebody else. */
  forget(processGroupId: number): void;
  /** Ends the watcher, and every group that it still watches. */
  close(): Promise<void>;
}

/**
 * Reads "+ GROUP" and "- GROUP" until its standard input ends, which the kernel sees to even when we are killed
 * outright; then kills what it still knows. A shell: 1 MiB for all servers together, and every host has one.
 */
const script = `
groups=
while read -r action group; do
  kept=
  for known in $groups; do [ "$known" = "$group" ] || kept="$kept $known"; done
  groups=$kept
  [ "$action" = + ] && groups="$groups $group"
done
for group in $groups; do kill -s KILL -- "-$group"; done
`;

export function createReaper(): Reaper {
  let shell: ChildProcess | null = null;
  const tell = (action: '+' | '-', group: number) => {
    shell ??= startShell();
    shell.stdin?.write(`${action} ${group}\n`);
  };
  return {
    watch: (group) => tell('+', group),
    forget: (group) => {
      if (shell) tell('-', group);
    },
    close: async () => {
      if (!shell || shell.exitCode !== null || shell.signalCode !== null) return;
      const ended = once(shell, 'exit');
      shell.stdin?.end();
      await ended;
      shell = null;
    },
  };
}

function startShell(): ChildProcess {
  // A session of its own: Ctrl-C in a terminal reaches the whole foreground group, and this one must outlive it.
  const shell = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, env: {} });
  // Whoever kills the watcher loses its service; the servers themselves run on, and the next start clears up.
  shell.on('error', () => undefined);
  shell.stdin?.on('error', () => undefined);
  shell.unref();
  return shell;
}
