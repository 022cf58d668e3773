import { KilnError } from '../../model/errors.ts';

/** A cron expression, read: which values match. */
export interface Cron {
  minutes: readonly number[];
  hours: readonly number[];
  days: readonly number[];
  months: readonly number[];
  weekdays: readonly number[];
  /** crontab(5): where both are given, one that matches is enough. */
  isEitherDay: boolean;
}

interface Field {
  name: string;
  first: number;
  last: number;
  words: readonly string[];
}

const fields: readonly Field[] = [
  { name: 'minute', first: 0, last: 59, words: [] },
  { name: 'hour', first: 0, last: 23, words: [] },
  { name: 'day of the month', first: 1, last: 31, words: [] },
  {
    name: 'month',
    first: 1,
    last: 12,
    words: ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { name: 'day of the week', first: 0, last: 7, words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

/**
 * Reads the five fields of crontab(5): numbers, lists, ranges, steps, names of months and days.
 * @throws REQUEST_INVALID that names the field and what may stand there.
 */
export function parseCron(expression: string): Cron {
  const texts = expression.trim().split(/\s+/u);
  if (texts.length !== fields.length) {
    throw new KilnError(
      'REQUEST_INVALID',
      `cron expression "${expression}" has ${texts.length} fields and must have 5.`,
      {
        advice: 'Give minute, hour, day of the month, month and day of the week, such as "0 22 * * 1-5".',
      },
    );
  }
  const [minutes, hours, days, months, weekdays] = fields.map((field, index) => parseField(field, texts[index] ?? ''));
  return {
    minutes: minutes ?? [],
    hours: hours ?? [],
    days: days ?? [],
    months: months ?? [],
    weekdays: [...new Set(weekdays?.map((day) => day % 7))],
    isEitherDay: !texts[2]?.startsWith('*') && !texts[4]?.startsWith('*'),
  };
}

function parseField(field: Field, text: string): number[] {
  const values = new Set<number>();
  for (const part of text.toLowerCase().split(',')) {
    const [, range = '', step = '1'] = /^([^/]+)(?:\/(\d{1,2}))?$/u.exec(part) ?? [];
    const [from = '', to] = range === '*' ? [String(field.first), String(field.last)] : range.split('-');
    const first = numberOf(field, from);
    // "5/10" is from 5 to the end.
    const last = to === undefined ? (part.includes('/') ? field.last : first) : numberOf(field, to);
    const isIn = first >= field.first && last <= field.last && first <= last;
    if (!isIn || Number(step) === 0 || range.split('-').length > 2) {
      throw new KilnError('REQUEST_INVALID', `cron: ${field.name} "${text}" is not understood at "${part}".`, {
        advice: `Use numbers from ${field.first} to ${field.last}, lists (1,15), ranges (1-5), steps (*/10) or *.`,
      });
    }
    for (let value = first; value <= last; value += Number(step)) values.add(value);
  }
  return [...values].sort((one, other) => one - other);
}

function numberOf(field: Field, text: string): number {
  const word = field.words.indexOf(text);
  if (text !== '' && word >= 0) return word;
  return /^\d{1,2}$/u.test(text) ? Number(text) : Number.NaN;
}
