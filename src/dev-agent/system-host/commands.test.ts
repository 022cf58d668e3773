import { expect, it } from 'vitest';
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
