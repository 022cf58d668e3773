import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = join(import.meta.dirname, '..', '..');
const kiln = join(root, 'bin', 'kiln');

export interface KilnProcess {
  readonly child: ChildProcess;
  /** Everything it has said so far, both streams, by line. */
  readonly lines: string[];
  /** Resolves with the first line that matches, said already or to come; rejects when the process ends without it. */
  line(pattern: RegExp): Promise<string>;
  /** As `line`, for lines to come alone: call it before what makes the line come. */
  next(pattern: RegExp): Promise<string>;
  /** As `line`, from the line with that index in `lines` on. */
  since(start: number, pattern: RegExp): Promise<string>;
  /** Resolves with the exit status, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
  stdout(): string;
  /** Asks it to stop, and waits. */
  stop(): Promise<number | NodeJS.Signals>;
  /** SIGKILL, and waits: it gets to do nothing more. */
  kill(): Promise<void>;
}

/**
 * Starts `kiln ARGUMENTS` as a process of its own: what is built, where that is as new as the sources. `bin/kiln` becomes Node.js
 * (exec), so that signals reach it.
 * @param environment beside this process's own; undefined takes a variable away.
 * @param options.ownGroup a ctrl-C in this process's terminal does not reach it.
 */
export function startKiln(
  arguments_: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  options: { ownGroup?: boolean } = {},
): KilnProcess {
  const child = spawn(kiln, arguments_, {
    env: { ...process.env, NO_COLOR: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: options.ownGroup ?? false,
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let stdout = '';
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
  });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      for (const check of waiting) check();
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);

  const lineFrom = (start: number, pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const check = () => {
        const found = lines.slice(start).find((line) => pattern.test(line));
        if (found === undefined) return;
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      check();
      void ended.then((status) => {
        reject(
          new Error(`kiln ${arguments_.join(' ')} ended with ${status}, without ${pattern}:\n${lines.join('\n')}`),
        );
      });
    });

  return {
    child,
    lines,
    ended,
    stdout: () => stdout,
    line: (pattern) => lineFrom(0, pattern),
    next: (pattern) => lineFrom(lines.length, pattern),
    since: lineFrom,
    async stop() {
      child.kill('SIGTERM');
      return await ended;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs `kiln ARGUMENTS` to its end. */
export async function runKiln(
  arguments_: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<{ status: number | NodeJS.Signals; stdout: string; output: string }> {
  const kiln = startKiln(arguments_, environment);
  const status = await kiln.ended;
  return { status, stdout: kiln.stdout(), output: kiln.lines.join('\n') };
}
