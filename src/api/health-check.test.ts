import { expect, it } from 'vitest';
import { createFakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { createHealthCheck } from './health-check.ts';

function open(ask: () => Promise<unknown>, options: { autoAdvance?: boolean } = {}) {
  const clock = createFakeClock(options);
  const failures: unknown[] = [];
  const log = { error: (fields: object) => void failures.push(fields) };
  let asked = 0;
  const count = () => {
    asked++;
    return ask();
  };
  const check = createHealthCheck(count, { refreshSeconds: 5, limitSeconds: 3 }, { clock, log });
  return { check, clock, failures, asked: () => asked };
}

it('asks once for however many, and not again while the answer is good', async () => {
  const { check, clock, asked } = open(async () => {});
  const answers = await Promise.all(Array.from({ length: 1000 }, check));
  expect(answers.flat()).toEqual([]);
  expect(asked()).toBe(1);
  await clock.advance(4_999);
  await check();
  expect(asked()).toBe(1);
  await clock.advance(1);
  await check();
  expect(asked()).toBe(2);
});

it('tells in general words that the database is away, and the log why', async () => {
  const { check, failures } = open(async () => {
    throw new Error('connect ECONNREFUSED 192.0.2.7:3306');
  });
  expect(await check()).toEqual(['The Octavia database is unavailable.']);
  expect(String((failures[0] as { err: Error }).err)).toContain('192.0.2.7');
});

it('is well again when the database is', async () => {
  let away = true;
  const { check, clock } = open(async () => {
    if (away) throw new Error('away');
  });
  expect(await check()).toHaveLength(1);
  away = false;
  await clock.advance(5_000);
  expect(await check()).toEqual([]);
});

it('does not wait for a database that says nothing, nor asks it more than once meanwhile', async () => {
  let answer = () => {};
  const { check, clock, asked } = open(
    () =>
      new Promise<void>((resolve) => {
        answer = resolve;
      }),
    { autoAdvance: true },
  );
  expect(await check()).toHaveLength(1);
  await clock.advance(60_000);
  expect(await check()).toHaveLength(1);
  expect(asked()).toBe(1);
  answer();
  await new Promise((resolve) => setTimeout(resolve));
  void check();
  await new Promise((resolve) => setTimeout(resolve));
  expect(asked()).toBe(2);
});
