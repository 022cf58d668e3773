import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What `npm run build` made. */
export const kilnMain = join(import.meta.dirname, '..', 'dist', 'kiln.mjs');

/** `kiln serve` as a package starts it. */
export function spawnServe(
  configurationFile: string,
  { stdio, environment = {} }: { stdio: StdioOptions; environment?: NodeJS.ProcessEnv },
): ChildProcess {
  return spawn(process.execPath, [kilnMain, 'serve', '--config-file', configurationFile], {
    stdio,
    env: { ...process.env, MALLOC_ARENA_MAX: '1', ...environment },
  });
}

/** Ends a process in order. */
export async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
