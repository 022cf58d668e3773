import { expect, it } from 'vitest';
import { createAttemptLimit } from './attempt-limit.ts';

it('lets an address try a few times a minute, and many addresses together not much more', () => {
  let now = 0;
  const limit = createAttemptLimit(() => now);
  const tries = (address: string) => {
    const begun = limit.begin(address);
    if ('end' in begun) begun.end();
    return 'end' in begun ? 'let in' : begun.retryAfterSeconds;
  };
  for (let count = 0; count < 20; count++) expect(tries('a')).toBe('let in');
  now = 15_000;
  expect(tries('a')).toBe(45);
  expect(tries('b')).toBe('let in');
  for (let count = 0; count < 179; count++) expect(tries(`c${count}`)).toBe('let in');
  expect(tries('d')).toBe(45);
  now = 60_000;
  expect(tries('a')).toBe('let in');
});

it('lets a few wait for Keystone at once', () => {
  const limit = createAttemptLimit(() => 0);
  const begun = Array.from({ length: 8 }, (_, index) => limit.begin(`a${index}`));
  expect(limit.begin('b')).toEqual({ retryAfterSeconds: 1 });
  const [first] = begun;
  if (first && 'end' in first) {
    first.end();
    first.end();
  }
  expect(limit.begin('b')).toHaveProperty('end');
  expect(limit.begin('b')).toEqual({ retryAfterSeconds: 1 });
});
