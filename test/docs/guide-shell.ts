import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface Ran {
  /** Both streams, as they came. */
  output: string;
  status: number;
}

/** One bash in which commands run one after another, as if they were typed: variables and `$?` stay. */
export interface GuideShell {
  run(command: string): Promise<Ran>;
  /** Ends the shell and what it started, whatever they are doing. */
  close(): Promise<void>;
}

export function openGuideShell(folder: string, environment: Readonly<Record<string, string>>): GuideShell {
  const bash = spawn('bash', ['--noprofile', '--norc'], {
    cwd: folder,
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const closed = once(bash, 'close');
  const lines = createInterface({ input: bash.stdout })[Symbol.asyncIterator]();
  bash.stdin.write('exec 2>&1\n');

  return {
    async run(command) {
      const end = `end-${randomUUID()}`;
      bash.stdin.write(`{ ${command}\n} </dev/null\nkept=$?; printf '\\n%s %s\\n' ${end} $kept; (exit $kept)\n`);
      const said: string[] = [];
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`the shell ended in: ${command}\n${said.join('\n')}`);
        if (value.startsWith(end)) return { output: said.join('\n').trimEnd(), status: Number(value.split(' ')[1]) };
        said.push(value);
      }
    },
    async close() {
      try {
        if (bash.pid) process.kill(-bash.pid, 'SIGTERM');
      } catch {
        // Nothing of it runs any more.
      }
      await closed;
    },
  };
}
