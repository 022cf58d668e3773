import { spawn } from 'node:child_process';

/** The network namespace that carries the load balancer's traffic. Controllers and their configurations know it by this name. */
export const amphoraNamespace = 'amphora-haproxy';

export interface CommandResult {
  /** Null: it could not be run, or was ended by a signal. */
  status: number | null;
  stdout: string;
  /** What it complained of, also when it could not be run. */
  stderr: string;
}

const LONGEST_MS = 120_000;
/** What it has said is read by then; what it has started may hold its output open for ever. */
const REST_MS = 5_000;

/** Runs a program to its end, which is by force after two minutes; no shell reads its arguments. Never rejects. */
export async function run(command: string, arguments_: readonly string[], input = ''): Promise<CommandResult> {
  return await new Promise((resolve) => {
    const child = spawn(command, arguments_, { stdio: ['pipe', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        said[stream] += text;
      });
    }
    // A program that ends before it has read everything says so by its status.
    child.stdin.on('error', () => undefined).end(input);
    const timers: NodeJS.Timeout[] = [];
    const end = (result: CommandResult) => {
      for (const timer of timers) clearTimeout(timer);
      for (const stream of child.stdio) stream?.destroy();
      resolve(result);
    };
    const endSoon = (status: number | null) => timers.push(setTimeout(() => end({ status, ...said }), REST_MS));
    const endByForce = () => {
      said.stderr += `${command} had not ended after ${LONGEST_MS / 1000} s`;
      child.kill('SIGKILL');
      endSoon(null);
    };
    const limit = setTimeout(endByForce, LONGEST_MS);
    timers.push(limit);
    child.once('error', (error) => end({ status: null, stdout: said.stdout, stderr: error.message }));
    child.once('exit', (status) => {
      clearTimeout(limit);
      endSoon(status);
    });
    child.once('close', (status) => end({ status, ...said }));
  });
}

/** `run` in the namespace of the load balancer. */
export function runInNamespace(command: string, arguments_: readonly string[], input?: string): Promise<CommandResult> {
  return run('ip', ['netns', 'exec', amphoraNamespace, command, ...arguments_], input);
}

/** Lines of `ip -batch` in the namespace; all of them are tried. @returns what failed, but for what was there already. */
export async function changeNetwork(family: 4 | 6, lines: readonly string[]): Promise<string[]> {
  if (lines.length === 0) return [];
  const options = ['-n', amphoraNamespace, `-${family}`, '-force', '-batch', '-'];
  const { status, stderr } = await run('ip', options, `${lines.join('\n')}\n`);
  if (status === 0) return [];
  return faultsOfBatch(stderr, lines);
}

/** iproute2 names the line after each complaint: "Command failed -:3". */
export function faultsOfBatch(stderr: string, lines: readonly string[]): string[] {
  const faults: string[] = [];
  let said: string[] = [];
  for (const line of stderr.split('\n').filter((text) => text.trim() !== '')) {
    const number = /^Command failed -:(\d+)$/.exec(line)?.[1];
    if (number === undefined) {
      said.push(line.trim());
      continue;
    }
    const why = said.join(' ');
    if (!/File exists/.test(why)) faults.push(`ip ${lines[Number(number) - 1] ?? ''}: ${why}`);
    said = [];
  }
  return said.length > 0 ? [...faults, said.join(' ')] : faults;
}

/** What `ip` shows of the namespace, by one process: a JSON document for each line. Those that fail show nothing. */
export async function readNetwork(family: 4 | 6, lines: readonly string[]): Promise<unknown[][]> {
  const options = ['-n', amphoraNamespace, `-${family}`, '-N', '-json', '-force', '-batch', '-'];
  const { stdout } = await run('ip', options, `${lines.join('\n')}\n`);
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('['))
    .map((line) => JSON.parse(line));
}
