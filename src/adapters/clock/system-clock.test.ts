import { expect, it } from 'vitest';
import { createSystemClock } from './system-clock.ts';

it('sleeps until the signal fires, and rejects with its reason', async () => {
  const clock = createSystemClock();
  await clock.sleep(1);
  const stop = new AbortController();
  const sleeping = clock.sleep(60_000, stop.signal);
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(sleeping).rejects.toBe(reason);
  await expect(clock.sleep(60_000, stop.signal)).rejects.toBe(reason);
});

it('never goes backwards', () => {
  const clock = createSystemClock();
  const times = Array.from({ length: 1000 }, () => clock.monotonicMs());
  expect(times).toEqual([...times].sort((a, b) => a - b));
});
