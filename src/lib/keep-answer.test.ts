import { expect, it } from 'vitest';
import { keepAnswer } from './keep-answer.ts';

function stand() {
  let now = 0;
  const calls: string[] = [];
  const pending: { resolve(value: string): void; reject(error: Error): void }[] = [];
  const ask = keepAnswer<string, string>(
    (question) => {
      calls.push(question);
      return new Promise((resolve, reject) => pending.push({ resolve, reject }));
    },
    { keyOf: (question) => question, keepMs: 100, nowMs: () => now },
  );
  const wait = (milliseconds: number) => {
    now += milliseconds;
  };
  return { ask, calls, pending, wait };
}

it('asks once for all who come while the answer is fresh, by question', async () => {
  const { ask, calls, pending, wait } = stand();
  const [one, two, other] = [ask('a'), ask('a'), ask('b')];
  pending[0]?.resolve('first');
  pending[1]?.resolve('of b');
  expect(await Promise.all([one, two, other])).toEqual(['first', 'first', 'of b']);
  wait(99);
  expect(await ask('a')).toBe('first');
  wait(1);
  const later = ask('a');
  pending[2]?.resolve('second');
  expect(await later).toBe('second');
  expect(calls).toEqual(['a', 'b', 'a']);
});

it('starts no second call beside a slow one, and keeps no failure', async () => {
  const { ask, calls, pending, wait } = stand();
  const first = ask('a');
  wait(1000);
  const second = ask('a');
  expect(calls).toHaveLength(1);
  pending[0]?.reject(new Error('down'));
  await expect(first).rejects.toThrow('down');
  await expect(second).rejects.toThrow('down');
  const third = ask('a');
  pending[1]?.resolve('up');
  expect(await third).toBe('up');
});

it('asks anew for whoever wants that, and keeps what came of it', async () => {
  const { ask, calls, pending } = stand();
  const [first, anew] = [ask('a'), ask('a', true)];
  expect(calls).toHaveLength(2);
  pending[1]?.resolve('new');
  pending[0]?.resolve('old');
  expect(await Promise.all([first, anew])).toEqual(['old', 'new']);
  expect(await ask('a')).toBe('new');
});

it('keeps so many, the newest, and of those what is worth it', async () => {
  const calls: string[] = [];
  const ask = keepAnswer<string, string>(
    async (question) => {
      calls.push(question);
      return question;
    },
    { keyOf: (question) => question, keepMs: 100, nowMs: () => 0, most: 2, isKept: (answer) => answer !== 'long' },
  );
  for (const question of ['a', 'b', 'c', 'b', 'a', 'long', 'long']) await ask(question);
  expect(calls).toEqual(['a', 'b', 'c', 'a', 'long', 'long']);
});
