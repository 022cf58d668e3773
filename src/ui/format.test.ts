import { expect, it } from 'vitest';
import {
  formatAge,
  formatLocal,
  formatQuantity,
  formatSpan,
  formatUtc,
  nameOrId,
  parseTime,
  plural,
  readProse,
  searchFilter,
  visible,
} from './format.ts';

const now = new Date('2026-11-28T12:00:00Z');

it('reads times as UTC, whatever zone the reader is in', () => {
  expect(parseTime('2026-11-28T11:59:00').toISOString()).toBe('2026-11-28T11:59:00.000Z');
  expect(parseTime('2026-11-28T11:59:00.5Z').toISOString()).toBe('2026-11-28T11:59:00.500Z');
  expect(formatUtc(parseTime('2026-11-28T11:59:00'))).toBe('2026-11-28 11:59:00 UTC');
});

it('says ages in one unit', () => {
  expect([0, 59, 60, 3600, 100_000, 200_000].map(formatSpan)).toEqual(['0 s', '59 s', '1 min', '1 h', '27 h', '2 d']);
  expect(formatAge(parseTime('2026-11-28T11:59:00'), now)).toBe('1 min ago');
  expect(formatAge(parseTime('2026-11-28T12:10:00'), now)).toBe('in 10 min');
  expect(formatAge(now, now)).toBe('now');
});

it('leaves the date out where it is today', () => {
  expect(formatLocal(now, now)).not.toContain('2026');
  expect(formatLocal(new Date(now.getTime() - 3 * 86_400_000), now)).toContain('2026');
});

it('counts, and names what has no name', () => {
  expect([plural(1, 'amphora', 'amphorae'), plural(2, 'pair')]).toEqual(['1 amphora', '2 pairs']);
  expect([nameOrId('', '0d6f2f1c-8f3e'), nameOrId('web', 'x')]).toEqual(['0d6f2f1c', 'web']);
});

it('takes what was typed for an ID, an address or a name', () => {
  expect(searchFilter(' 0D6F2F1C-8f3e-4b0a-9a53-6f0f4d1f2f7a ')).toEqual({
    id: '0d6f2f1c-8f3e-4b0a-9a53-6f0f4d1f2f7a',
  });
  expect([searchFilter('192.0.2.1'), searchFilter('2001:db8::1')]).toEqual([
    { vip_address: '192.0.2.1' },
    { vip_address: '2001:db8::1' },
  ]);
  expect([searchFilter('web'), searchFilter('  ')]).toEqual([{ name: 'web' }, {}]);
});

it('shows what would turn a sentence around', () => {
  expect(visible('paused by \u202Eevil\u2066: why')).toBe('paused by \uFFFDevil\uFFFD: why');
});

it('finds commands and times in a text, and leaves alone what only looks like one', () => {
  expect(readProse('It is looked at again at 2026-11-29T09:19:53.608Z; or `kiln release resume`.')).toEqual([
    { kind: 'text', text: 'It is looked at again at ' },
    { kind: 'time', text: '2026-11-29T09:19:53.608Z' },
    { kind: 'text', text: '; or ' },
    { kind: 'code', text: 'kiln release resume' },
    { kind: 'text', text: '.' },
  ]);
  for (const text of ['at 2026-99-99T99:99:99Z', 'one ` alone', '<b>bold</b>', 'image-2026-11-29'])
    expect(readProse(text)).toEqual([{ kind: 'text', text }]);
  expect(readProse('')).toEqual([]);
  expect(readProse('\u202Eevil')).toEqual([{ kind: 'text', text: '\uFFFDevil' }]);
});

it('says quantities in three digits', () => {
  expect([0, 0.25, 3.456, 12.34, 250, 999.6, 1500, 2_345_678].map(formatQuantity)).toEqual([
    ...['0', '0.25', '3.46', '12.3', '250', '1 k', '1.5 k', '2.35 M'],
  ]);
});
