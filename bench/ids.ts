import { createHash } from 'node:crypto';

/** The ID of a made-up resource: the same wherever it is asked for, as long as a real one, and in as little order. */
export function idOf(what: string, n: number | string): string {
  const digits = createHash('md5').update(`${what}${n}`).digest('hex');
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
    '-',
  );
}

/** The same, as MariaDB's expression. */
export function idInSql(what: string, n: string): string {
  return `insert(insert(insert(insert(md5(concat('${what}', ${n})), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-')`;
}
