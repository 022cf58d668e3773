import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { answerInTime } from './answer-in-time.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('does not wait for what hangs, nor ask again beside it, and has the next answer once it has ended', async () => {
  const asked: PromiseWithResolvers<string>[] = [];
  const answer = answerInTime(() => {
    const one = Promise.withResolvers<string>();
    asked.push(one);
    return one.promise;
  }, 3_000);
  const [first, second] = [answer(), answer()];
  await vi.advanceTimersByTimeAsync(3_000);
  expect([await first, await second]).toEqual([null, null]);
  const third = answer();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toHaveLength(1);
  asked[0]?.resolve('late');
  expect(await third).toBe('late');
  const fourth = answer();
  await vi.advanceTimersByTimeAsync(0);
  asked[1]?.resolve('new');
  expect(await fourth).toBe('new');
  expect(vi.getTimerCount()).toBe(0);
});

it('has no answer where asking fails, and asks again', async () => {
  const outcomes = [() => Promise.reject(new Error('away')), async () => 1];
  const answer = answerInTime(() => outcomes.shift()?.() ?? Promise.reject(new Error('enough')), 3_000);
  expect([await answer(), await answer()]).toEqual([null, 1]);
});
