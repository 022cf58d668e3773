/** The network namespace that an amphora agent has for its machine (testbed/agent). Needs root. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAmphoraAgentClient } from '../../src/adapters/amphora-agent/client.ts';
import type { AmphoraAddress, AmphoraAgent } from '../../src/ports/amphora-agent.ts';

export const sandboxScripts = join(import.meta.dirname, '../../testbed/agent');

export interface Sandbox {
  /** Runs a program in it, as its root. @returns its standard output. */
  run(program: string, arguments_: readonly string[]): string;
  stop(): Promise<void>;
}

/** @param arguments_ of run.sh: the folder, the address, and a command in place of Octavia's own agent. */
export async function startSandbox(arguments_: readonly string[], environment = process.env): Promise<Sandbox> {
  const options = { stdio: ['ignore', 'pipe', 'inherit'] as ['ignore', 'pipe', 'inherit'], env: environment };
  const script = spawn(join(sandboxScripts, 'run.sh'), arguments_, options);
  const exited = once(script, 'exit');
  const [line] = await Promise.race([
    once(createInterface({ input: script.stdout }), 'line'),
    exited.then(([status]) => Promise.reject(new Error(`testbed/agent/run.sh ended with status ${status}`))),
  ]);
  const parent = String(line).replace('ready ', '');
  return {
    run(program, words) {
      const first = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim();
      const enter = ['--target', first, '--mount', '--net', '--pid', program, ...words];
      return execFileSync('nsenter', enter, { encoding: 'utf8' });
    },
    async stop() {
      script.kill('SIGTERM');
      await exited;
    },
  };
}

/** What asks the agent as a controller does, once it answers. @param folder has the controller's certificate, `client.pem`. */
export async function connectToAgent(
  folder: string,
  serverCaFile: string,
  amphora: AmphoraAddress,
): Promise<AmphoraAgent> {
  const agent = createAmphoraAgentClient(() => ({
    clientCertFile: join(folder, 'client.pem'),
    serverCaFile,
    port: 9443,
    connectTimeoutSeconds: 5,
    readTimeoutSeconds: 60,
    lbNetworkInterface: 'lo',
    tlsProtocol: 'TLSv1.2',
  }));
  while (!(await agent.getInfo(amphora).catch(() => null))) await sleep(100);
  return agent;
}
