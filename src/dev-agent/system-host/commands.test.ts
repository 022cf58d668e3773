import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { faultsOfBatch, run } from './commands.ts';

it('a batch of ip tells what failed, but for what was there already', () => {
  const stderr = `Error: Invalid source address.
Command failed -:2
RTNETLINK answers: File exists
Command failed -:3
`;
  expect(faultsOfBatch(stderr, ['first', 'second', 'third'])).toEqual(['ip second: Error: Invalid source address.']);
  expect(faultsOfBatch('Cannot open network namespace "x": No such file or directory\n', ['first'])).toEqual([
    'Cannot open network namespace "x": No such file or directory',
  ]);
});

it('a program that is not there is a failure like any other', async () => {
  expect(await run('kiln-no-such-program', [])).toMatchObject({
    status: null,
    stderr: expect.stringContaining('ENOENT'),
  });
  expect(await run('cat', [], 'text')).toEqual({ status: 0, stdout: 'text', stderr: '' });
});

let folder: string;
let mark: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-commands-'));
  mark = join(folder, 'mark');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

const turn = () => new Promise((resolve) => setImmediate(resolve));
/** Waits without timers, which are not real here. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}

it('ends a program by force that does not end when it is asked to', async () => {
  const script = 'trap "" TERM; touch "$0"; while :; do sleep 0.02; done';
  const ended = run('sh', ['-c', script, mark]);
  await until(() => existsSync(mark));
  vi.advanceTimersByTime(120_000);
  expect(await ended).toEqual({ status: null, stdout: '', stderr: 'sh had not ended after 120 s' });
  expect(vi.getTimerCount()).toBe(0);
}, 5_000);

it('does not wait for what a program has started and left its output to', async () => {
  const ended = run('sh', ['-c', 'sleep 600 & echo said; echo "$$ $!" > "$0.new"; mv "$0.new" "$0"', mark]);
  await until(() => existsSync(mark));
  const [shell, sleeping] = readFileSync(mark, 'utf8').split(' ').map(Number);
  try {
    await until(() => !existsSync(`/proc/${shell}`));
    await turn(); // Its words are read.
    vi.advanceTimersByTime(5_000);
    expect(await ended).toEqual({ status: 0, stdout: 'said\n', stderr: '' });
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    process.kill(Number(sleeping));
  }
}, 5_000);
