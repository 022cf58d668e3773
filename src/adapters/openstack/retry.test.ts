import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRetryAfter, retryDelayMs } from './retry.ts';

const settings = {
  maxAttempts: 5,
  firstDelaySeconds: 0.5,
  minDelaySeconds: 0,
  maxDelaySeconds: 8,
  maxTotalSeconds: 60,
};

describe('the wait before the next try', () => {
  it('is never shorter than Retry-After, and never ends after the time that is allowed', () => {
    const seconds = fc.double({ min: 0, max: 200, noNaN: true });
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        seconds,
        fc.option(seconds),
        random,
        (attempt, elapsed, after, chance) => {
          const delayMs = retryDelayMs(settings, attempt, elapsed * 1000, after, chance);
          if (delayMs === null) return;
          expect(attempt).toBeLessThan(settings.maxAttempts);
          expect(delayMs).toBeGreaterThanOrEqual((after ?? 0) * 1000);
          expect(elapsed * 1000 + delayMs).toBeLessThanOrEqual(settings.maxTotalSeconds * 1000);
        },
      ),
    );
  });

  it('doubles, and spreads over its upper half', () => {
    const range = (attempt: number) => [0, 0.999].map((random) => retryDelayMs(settings, attempt, 0, null, random));
    expect(range(1)).toEqual([250, expect.closeTo(500, 0)]);
    expect(range(4)).toEqual([2000, expect.closeTo(4000, -1)]);
    expect(range(5)).toEqual([null, null]);
  });

  it('is bounded below, too', () => {
    const bounded = { ...settings, minDelaySeconds: 3 };
    expect([1, 4].map((attempt) => retryDelayMs(bounded, attempt, 0, null, 0))).toEqual([3000, 3000]);
    expect(retryDelayMs(bounded, 4, 0, null, 0.999)).toBeCloseTo(4000, -1);
  });
});

describe('Retry-After', () => {
  const now = () => new Date('2026-11-22T12:00:00Z');
  it.each([
    ['120', null, 120],
    [' 0 ', null, 0],
    ['Sun, 22 Nov 2026 12:00:30 GMT', null, 30],
    ['Sun, 22 Nov 2026 12:00:30 GMT', 'Sun, 22 Nov 2026 12:00:20 GMT', 10],
    ['Sun, 22 Nov 2026 11:00:00 GMT', null, 0],
    ['soon', null, null],
    ['-1', 'nonsense', expect.anything()],
    [null, null, null],
  ])('%j at %j is %j seconds', (value, date, seconds) => {
    const parsed = parseRetryAfter(value, date, now);
    if (value === '-1') expect(parsed === null || parsed >= 0).toBe(true);
    else expect(parsed).toEqual(seconds);
  });
});
