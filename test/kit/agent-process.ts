import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

export interface AgentProcess {
  process: ChildProcess;
  /** Settles with the exit status, and everything said on standard error. */
  exited: Promise<{ status: number | null; signal: string | null; stderr: string }>;
  /** Resolves when the agent says that it listens; rejects when it ends before. */
  listening: Promise<void>;
  /** SIGTERM, then waits for the end. */
  stop(): Promise<void>;
}

/** Runs an agent as the embedded cloud does: files of the config drive under `root`, one address of its own. */
export function startAgentProcess(options: {
  program: string;
  root: string;
  bindHost: string;
  files: Readonly<Record<string, string>>;
}): AgentProcess {
  for (const [path, content] of Object.entries(options.files)) {
    mkdirSync(dirname(join(options.root, path)), { recursive: true });
    writeFileSync(join(options.root, path), content);
  }
  const configFile = join(options.root, 'etc/octavia/amphora-agent.conf');
  const child = spawn(
    process.execPath,
    [options.program, '--root', options.root, '--config-file', configFile, '--bind-host', options.bindHost],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const exited = once(child, 'close').then(([status, signal]) => ({ status, signal, stderr }));
  const listening = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('"message":"listening"')) resolve();
    });
    void exited.then(({ status }) => reject(new Error(`the agent ended with status ${status}: ${stderr}`)));
  });
  // Who does not wait for the agent to listen does not care how it ended either.
  listening.catch(() => undefined);
  return {
    process: child,
    exited,
    listening,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
