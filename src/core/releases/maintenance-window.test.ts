import { describe, expect, test } from 'vitest';
import { parseCron } from './cron.ts';
import { openingAt, spanInWindows } from './maintenance-window.ts';

const ms = (text: string) => Date.parse(text);
const night = { cron: '0 2 * * *', zone: 'Europe/Berlin', durationMinutes: 120 };

test('no window: at any time', () => {
  expect(openingAt([], 0, 0)).toEqual({ isOpen: true, changesAtMs: null });
});

describe('a window opens by its own clock', () => {
  test.each([
    ['winter: 01:00 UTC', '2026-01-10T01:00:00Z', true],
    ['a minute before', '2026-01-10T00:59:00Z', false],
    ['summer: 00:00 UTC', '2026-07-10T00:00:00Z', true],
    ['the last moment', '2026-01-10T03:00:00Z', true],
    ['afterwards', '2026-01-10T03:00:01Z', false],
    ['02:00 does not exist on this day: it opens at 03:00', '2026-03-29T01:00:00Z', true],
  ])('%s', (_, at, isOpen) => {
    expect(openingAt([night], ms(at), 0).isOpen).toBe(isOpen);
  });

  test('a time that comes twice opens it once, the first time', () => {
    const twice = { cron: '30 2 * * *', zone: 'Europe/Berlin', durationMinutes: 30 };
    expect(openingAt([twice], ms('2026-10-25T00:30:00Z'), 0).isOpen).toBe(true);
    expect(openingAt([twice], ms('2026-10-25T01:30:00Z'), 0).isOpen).toBe(false);
  });

  test('it says when it opens and when it closes', () => {
    expect(openingAt([night], ms('2026-01-10T12:00:00Z'), 0).changesAtMs).toBe(ms('2026-01-11T01:00:00Z'));
    expect(openingAt([night], ms('2026-01-10T02:00:00Z'), 0).changesAtMs).toBe(ms('2026-01-10T03:00:00Z') + 1);
  });

  test('a move starts only if it fits', () => {
    const needed = 10 * 60_000;
    expect(openingAt([night], ms('2026-01-10T02:50:00Z'), needed).isOpen).toBe(true);
    expect(openingAt([night], ms('2026-01-10T02:50:01Z'), needed).isOpen).toBe(false);
    expect(openingAt([night], ms('2026-01-10T02:00:00Z'), 200 * 60_000)).toEqual({ isOpen: false, changesAtMs: null });
  });

  test('a day that is rare comes', () => {
    const leap = { cron: '0 0 29 2 *', zone: 'UTC', durationMinutes: 60 };
    expect(openingAt([leap], ms('2026-03-01T00:00:00Z'), 0).changesAtMs).toBe(ms('2028-02-29T00:00:00Z'));
    const never = { cron: '0 0 30 2 *', zone: 'UTC', durationMinutes: 60 };
    expect(openingAt([never], 0, 0)).toEqual({ isOpen: false, changesAtMs: null });
  });
});

describe('work that goes on only while a window is open', () => {
  const hours = (count: number) => count * 3_600_000;

  test.each([
    ['without windows takes as long as it is', [], '2026-01-10T12:00:00Z', 0, 5, 5],
    ['waits for the window', [night], '2026-01-10T00:00:00Z', 0, 1, 2],
    ['goes on in the next one', [night], '2026-01-10T01:00:00Z', 0, 3, 25],
    ['begins in the middle', [night], '2026-01-10T02:00:00Z', 0, 2, 24],
    ['does not use the end, in which no move has room', [night], '2026-01-10T01:00:00Z', 1, 2, 25],
    ['over a change of the clock, which leaves 02:00 out', [night], '2026-03-28T01:00:00Z', 0, 3, 25],
    ['in July: 02:00 is at 00:00 UTC', [night], '2026-07-10T00:00:00Z', 0, 4, 26],
  ] as const)('%s', (_, windows, at, neededHours, workHours, span) => {
    const spanMs = spanInWindows(windows, ms(at), hours(neededHours), hours(workHours));
    // A window's last moment belongs to it.
    expect(Math.abs((spanMs ?? Number.NaN) - hours(span))).toBeLessThan(10);
  });

  test('of many nights is distinguished from the first ones', () => {
    const days = (spanInWindows([night], ms('2026-01-10T01:00:00Z'), 0, hours(2 * 300)) ?? 0) / 86_400_000;
    expect(days).toBeGreaterThan(295);
    expect(days).toBeLessThan(305);
  });

  test('is over in none that is never long enough', () => {
    expect(spanInWindows([night], ms('2026-01-10T00:00:00Z'), hours(3), hours(1))).toBe(null);
  });
});

describe('crontab(5)', () => {
  test('lists, ranges, steps, names', () => {
    expect(parseCron('*/20 1-3,5 1,15 jan-mar mon-fri')).toEqual({
      minutes: [0, 20, 40],
      hours: [1, 2, 3, 5],
      days: [1, 15],
      months: [1, 2, 3],
      weekdays: [1, 2, 3, 4, 5],
      isEitherDay: true,
    });
    expect(parseCron('0 0 * * 7').weekdays).toEqual([0]);
    expect(parseCron('5/30 0 * * *').minutes).toEqual([5, 35]);
  });

  test.each([
    ['* * * *', /4 fields/u],
    ['60 * * * *', /minute "60"/u],
    ['* 5-1 * * *', /hour "5-1"/u],
    ['* * 0 * *', /day of the month "0"/u],
    ['* * * foo *', /month "foo"/u],
    ['*/0 * * * *', /minute/u],
    ['1-2-3 * * * *', /minute/u],
    ['-1 * * * *', /minute/u],
    ['1, * * * *', /minute/u],
  ])('%s is refused, by the name of the field', (expression, message) => {
    expect(() => parseCron(expression)).toThrow(message);
  });
});
