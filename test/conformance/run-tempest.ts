import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** How one test ended. */
export interface TestResult {
  name: string;
  status: 'success' | 'fail' | 'skip' | 'xfail' | 'uxsuccess';
  seconds: number;
  /** Why it was skipped. */
  reason: string;
  traceback: string;
}

export interface Run {
  results: TestResult[];
  seconds: number;
}

/** Machine's Python: another one earlier in PATH has no Debian packages. */
const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', no_proxy: '*', PYTHONDONTWRITEBYTECODE: '1' };

/**
 * Runs the tests whose name matches `regex` in a workspace of `writeWorkspace`, and tells of each as it ends.
 * @param options.pythonPath where further plugins are.
 * @throws an Error when Tempest runs no test at all, with the end of what it said
 */
export async function runTempest(
  folder: string,
  regex: string,
  concurrency: number,
  ended: (result: TestResult) => void,
  { pythonPath = '' } = {},
): Promise<Run> {
  const startMs = performance.now();
  const options = { cwd: folder, env: { ...environment, HOME: folder, PYTHONPATH: pythonPath } };
  const tempest = spawn(
    '/usr/bin/tempest',
    [
      ...['run', '--subunit', '--config-file', join(folder, 'tempest.conf')],
      ...['--regex', regex, '--concurrency', String(concurrency)],
    ],
    { ...options, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const reader = spawn('/usr/bin/python3', ['-B', join(import.meta.dirname, 'results.py')], {
    ...options,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  tempest.stdout.pipe(reader.stdin);
  const said: string[] = [];
  createInterface({ input: tempest.stderr }).on('line', (line) => said.push(line));
  const results: TestResult[] = [];
  const lines = createInterface({ input: reader.stdout });
  const over = Promise.all([once(tempest, 'exit'), once(reader, 'exit')]);
  for await (const line of lines) {
    const result = JSON.parse(line) as TestResult;
    results.push(result);
    ended(result);
  }
  await over;
  if (results.length === 0) throw new Error(`Tempest ran no test:\n${said.slice(-20).join('\n')}`);
  return { results, seconds: (performance.now() - startMs) / 1000 };
}
