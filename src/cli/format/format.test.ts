import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { daysBetween, formatAge, formatAgeShort, formatDuration, formatSpan, plural } from './duration.ts';
import { displayWidth, printable, shorten, wrap } from './printable.ts';
import { placedRemark, remarkName } from './remark.ts';
import { formatSize } from './size.ts';

describe('durations', () => {
  it.each([
    [-5, '0 ms'],
    [0, '0 ms'],
    [999, '999 ms'],
    [1000, '1.0 s'],
    [4249, '4.2 s'],
    [59_949, '59.9 s'],
    [59_999, '1 min 00 s'],
    [125_000, '2 min 05 s'],
    [3_599_999, '1 h 00 min'],
    [11_520_000, '3 h 12 min'],
  ])('%d ms is %s', (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text));

  it.each([
    [59_000, 'less than a minute'],
    [60_000, '1 minute'],
    [3 * 3_600_000 + 1, '3 hours'],
    [41 * 86_400_000, '41 days'],
  ])('a span of %d ms is %s', (milliseconds, text) => expect(formatSpan(milliseconds)).toBe(text));

  it('says how long ago, how long until, and admits what it cannot read', () => {
    const now = new Date('2026-03-01T12:00:00Z');
    expect(formatAge('2026-02-27T12:00:00Z', now)).toBe('2 days ago');
    expect(formatAge('2026-03-01T17:00:00Z', now)).toBe('in 5 hours');
    expect(formatAge('yesterday', now)).toBe('unknown');
    expect(formatAgeShort('2026-01-19T12:00:00Z', now)).toBe('41 d');
    expect(formatAgeShort('2026-03-01T08:59:00Z', now)).toBe('3 h');
    expect(formatAgeShort('2026-03-01T11:55:00Z', now)).toBe('5 min');
    expect(formatAgeShort('2026-03-01T13:00:00Z', now)).toBe('<1 min');
    expect(formatAgeShort('', now)).toBe('unknown');
    expect(daysBetween('2026-02-27T13:00:00Z', now)).toBe(1);
  });

  it('counts', () => {
    expect(plural(1, 'image')).toBe('1 image');
    expect(plural(2, 'amphora', 'amphorae')).toBe('2 amphorae');
  });
});

describe('sizes', () => {
  it.each([
    [null, 'unknown'],
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [327_155_712, '312 MiB'],
    [1024 ** 3 - 1, '1.0 GiB'],
    [1024 ** 6 * 5000, '5120000 PiB'],
  ])('%s is %s', (bytes, text) => expect(formatSize(bytes)).toBe(text));
});

describe('printable text', () => {
  it('lets nothing through that a terminal acts on', () => {
    expect(printable('a\u001b[31mred\u001b[0m\u0007\u202egpj.exe')).toBe('a\ufffd[31mred\ufffd[0m\ufffd\ufffdgpj.exe');
    expect(printable('two\r\nlines\tand a tab')).toBe('two lines and a tab');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });

  it('knows the width of what is wide', () => {
    expect(displayWidth('amphora')).toBe(7);
    expect(displayWidth('負荷分散')).toBe(8);
    expect(displayWidth('é')).toBe(1);
    expect(displayWidth('e\u0301')).toBe(1);
  });

  it('wraps at blanks, and never inside a word', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('one a-word-that-is-too-long two', 7)).toEqual(['one', 'a-word-that-is-too-long', 'two']);
    expect(wrap('', 7)).toEqual(['']);
  });

  it('shortens to the width asked for, never wider', () => {
    expect(shorten('amphora', 7)).toBe('amphora');
    expect(shorten('amphora-2026', 8)).toBe('amphora…');
    expect(shorten('負荷分散', 6)).toBe('負荷…');
    expect(shorten('amphora-x64-2026.1', 12, 'middle')).toBe('amphor…026.1');
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom('end', 'middle'),
        (text, columns, cut) => {
          expect(displayWidth(shorten(printable(text), columns, cut))).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });
});

it.each([
  ['nova', 'endpoint', '[nova] endpoint', '[nova] endpoint (f:1): m'],
  ['nova', '', '[nova]', '[nova] (f:1): m'],
  ['', '', '', 'f:1: m'],
])('a remark about [%s] %s', (section, option, name, placed) => {
  const remark = { section, option, where: 'f:1', message: 'm' };
  expect([remarkName(remark), placedRemark(remark)]).toEqual([name, placed]);
});
