import { expect, it } from 'vitest';
import { continueListening } from './listening.ts';
import { retryPauseMs } from './retry-pause.ts';

const at = (monotonicMs: number, wallMs = monotonicMs) => ({ monotonicMs, wallMs });

it('goes on while the clocks go on together', () => {
  const first = continueListening(null, at(1_000), 5_000);
  expect(first).toEqual({ listening: { sinceMs: 1_000, lastMonotonicMs: 1_000, lastWallMs: 1_000 }, broken: 'start' });
  expect(continueListening(first.listening, at(2_000, 2_100), 5_000)).toEqual({
    listening: { sinceMs: 1_000, lastMonotonicMs: 2_000, lastWallMs: 2_100 },
    broken: null,
  });
});

it.each([
  ['was stopped', at(7_000), 'pause'],
  ['slept with the machine, whose monotonic clock stood still', at(2_000, 3_600_000), 'clock-jump'],
  ['had its clock set back', at(2_000, -3_600_000), 'clock-jump'],
  ['was slow, but ran', at(5_900), null],
] as const)('begins anew when the process %s', (_what, now, broken) => {
  const { listening } = continueListening(null, at(1_000), 5_000);
  const next = continueListening(listening, now, 5_000);
  expect(next.broken).toBe(broken);
  expect(next.listening.sinceMs).toBe(broken === null ? 1_000 : now.monotonicMs);
});

it('pauses between tries double, up to a quarter of an hour', () => {
  expect([1, 2, 3, 4, 5, 6, 100].map((attempts) => retryPauseMs(attempts, 60_000) / 60_000)).toEqual([
    1, 2, 4, 8, 15, 15, 15,
  ]);
  expect(retryPauseMs(3, 3_600_000)).toBe(3_600_000);
});
