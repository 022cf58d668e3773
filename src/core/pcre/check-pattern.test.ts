/** Judged beside the real PCRE2 and the real HAProxy, which compiles with it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteWord } from '../haproxy/quote.ts';
import { findPatternFault } from './check-pattern.ts';

const realistic = [
  ...['(?i)^/admin', '(?P<v>x)', 'a++', '^/api/v[0-9]+/', '^/(images|css|js)/', '\\.(?:jpe?g|png|gif|ico)$', '^$', ''],
  ...['^www\\.', '^(.+\\.)?example\\.(com|org)$', '^[^.]+\\.example\\.com$', '(?<!un)safe', '(?<=v)[12]', '^(?!/api)'],
  ...['^/(?!static/|media/)', '^/users/(?<id>\\d+)/(?:posts|likes)/?$', '(?i:mozilla).*(?:msie|trident)', '\\bbot\\b'],
  ...[
    '[[:alnum:]_-]{3,32}',
    '^\\d{4}-\\d{2}-\\d{2}$',
    '[\\w.+-]+@[\\w-]+\\.[\\w.-]+',
    '^Bearer\\s+[A-Za-z0-9._~+/-]+=*$',
  ],
  ...[
    '\\Q.git/\\E',
    '^/(?>a+)b',
    '^(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)(?:\\.(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)){3}$',
    '.*',
    '.',
  ],
  ...[
    '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}',
    '(?s).*x',
    '(?i-s)x',
    'a{2,}?',
    'a{1,3}+',
    '\\x2f\\x{2f}',
    '\\p{Lu}',
  ],
  ...[
    '(?P<q>[\'"]).*(?P=q)',
    '(?<q>["\']).*\\k<q>',
    '(?<n>a)\\1',
    '^/é+$',
    '[à-é]',
    '(?#why)x',
    '[]a]',
    '[^]a]',
    'x{',
    '}',
  ],
  ...[
    'a{b}',
    '[a-z0-9-]{1,1000}',
    '\\R',
    '\\h+',
    '[\\d-]',
    '[-a]',
    '^/\\.well-known/',
    '(?=.*a)(?=.*b)',
    '()',
    '(|a)',
    '\\/',
  ],
];
const wrong = [
  ...[
    '[^]',
    '\\p',
    '(?<=a+)b',
    '(',
    ')',
    'a)',
    '[',
    '[a',
    'a**',
    '*',
    '+a',
    '(*)',
    '|+',
    '^*',
    '\\b?',
    '(?i)*',
    '(?',
    '(?<',
  ],
  ...[
    '(?<1a>x)',
    '(?<a>x)(?<a>y)',
    '(a)\\1',
    '\\1',
    '\\k<no>',
    '\\g{2}',
    '[b-a]',
    '[\\w-.]',
    '[a-\\d]',
    '[[:nope:]]',
    '[[.a.]]',
  ],
  ...[
    '[:alpha:]',
    '[:\\]\\:][^a]',
    'a{2,1}',
    'a{65536}',
    '\\',
    'x\\',
    '[\\',
    '\\q',
    '\\u0041',
    '\\x{100}',
    '\\x{',
    '\\o{9}',
    '\\p{Nonsense}',
  ],
  ...[
    '(?<=\\R)a',
    '(?<=a|b*)c',
    '(?<=\\K)',
    '(?z)x',
    '(?#open',
    '[\\R]',
    '[\\N]',
    '(?:(?:a{9}b){999}c){999}',
    '(?(1)a|b)',
  ],
];
/** PCRE2 would take them; it is said that they are not available. */
const notOffered = ['(?R)', '(*UTF)a', '(?C)a', '(?|a|b)', '(?x)a b', 'a{,3}', '\\C', '(?J)a', '(?1)(a)'];

it.each(realistic)('takes %j', (pattern) => expect(findPatternFault(pattern)).toBeNull());
it.each([...wrong, ...notOffered])('refuses %j', (pattern) => expect(findPatternFault(pattern)).not.toBeNull());

it('names the place, counted in characters', () => {
  expect(findPatternFault('^/é/[b-a]')).toEqual({ reason: 'a range in a class runs backwards', position: 6 });
});

it('costs no more than the pattern is long', () => {
  for (const hard of [
    '(a+'.repeat(80),
    '(?=('.repeat(60),
    '['.repeat(255),
    '{'.repeat(255),
    '((a{9}){9}){9}'.repeat(18),
  ]) {
    // Of this thread: other files compute beside it.
    const before = process.threadCpuUsage();
    findPatternFault(hard);
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(100);
  }
});

const pieces = [
  ...[
    'a',
    'b',
    'é',
    '-',
    ']',
    '[',
    '^',
    '$',
    '.',
    '|',
    '(',
    ')',
    '(?:',
    '(?=',
    '(?<=',
    '(?<!',
    '(?>',
    '(?<n>',
    '(?<m>',
  ],
  ...[
    '*',
    '+',
    '?',
    '{2}',
    '{2,}',
    '{0,3}',
    '{99}',
    '{,2}',
    '{',
    '}',
    '\\',
    '\\d',
    '\\W',
    '\\b',
    '\\Q',
    '\\E',
    '\\1',
    '\\2',
  ],
  ...[
    '\\k<n>',
    '\\g{1}',
    '\\R',
    '\\X',
    '\\K',
    '\\N',
    '\\x',
    '\\x{41}',
    '\\x4',
    '\\0',
    '\\07',
    '\\cA',
    '\\p{L}',
    '\\pL',
    '\\P',
  ],
  ...[
    '[a-z]',
    '[^a]',
    '[[:alpha:]]',
    '[:alpha:]',
    '[:',
    ':]',
    '[\\d',
    '-z]',
    '(?i)',
    '(?i:',
    '(?s-i)',
    '(?#',
    '#',
    ' ',
    ',',
  ],
  ...[
    '0',
    '9',
    '"',
    "'",
    '%',
    '/',
    'A',
    '\\A',
    '\\Z',
    '\\z',
    '\\G',
    '\\h',
    '\\e',
    '\\o{101}',
    '\\8',
    '\\.',
    '\\]',
    '=',
    '!',
    '<',
  ],
];
const patterns = fc.oneof(
  fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((all) => all.join('')),
  fc.tuple(fc.constantFrom(...realistic), fc.constantFrom(...pieces), fc.nat(40)).map(([pattern, piece, at]) => {
    return `${pattern.slice(0, at)}${piece}${pattern.slice(at)}`;
  }),
  fc.string({ maxLength: 20 }),
);

const hasPcre2 = spawnSync('pcre2test', ['-C', 'pcre2-8']).stdout?.toString().trim() === '1';
const hasHaproxy = spawnSync('haproxy', ['-v']).status === 0;

/** The patterns that PCRE2 refuses, compiled as HAProxy does it; each is written in hexadecimal. */
function refusedByPcre2(all: readonly string[]): string[] {
  const hex = (pattern: string) => Buffer.from(pattern).toString('hex').replaceAll(/../g, '$& ');
  const given = all.filter((pattern) => pattern !== '');
  const run = spawnSync('pcre2test', ['-q', '-jit'], {
    input: given.map((pattern) => `/${hex(pattern)}/hex,no_auto_capture\n\n`).join(''),
    encoding: 'latin1',
    maxBuffer: 1 << 28,
  });
  const answers = run.stdout.split(/^\/(?=(?:[0-9a-f]{2} )+\/hex,)/m).slice(1);
  expect(answers.length).toBe(given.length);
  return given.filter((_, index) => /Failed:|\*\*/.test(answers[index] ?? ''));
}

describe.skipIf(!hasPcre2)('PCRE2 (skipped without pcre2test)', () => {
  it('takes whatever is taken here', () => {
    const taken = fc.sample(patterns, { numRuns: 40_000 }).filter((pattern) => findPatternFault(pattern) === null);
    expect(taken.length).toBeGreaterThan(5000);
    expect(refusedByPcre2(taken)).toEqual([]);
  }, 120_000);

  it('takes what is realistic, and refuses what is wrong', () => {
    expect(refusedByPcre2(realistic)).toEqual([]);
    // With groups that are not captured, there is nothing to go back to.
    expect(refusedByPcre2([...wrong, ...notOffered]).sort()).toEqual([...wrong, '(?1)(a)'].sort());
  });
});

describe.skipIf(!hasHaproxy)('HAProxy (skipped without it)', () => {
  it('takes whatever is taken here', () => {
    const taken = [...realistic, ...fc.sample(patterns, { numRuns: 12_000 })].filter(
      (pattern) => !/[\r\n\0]/.test(pattern) && findPatternFault(pattern) === null,
    );
    const folder = mkdtempSync(join(tmpdir(), 'kiln-pcre-'));
    try {
      const file = join(folder, 'haproxy.cfg');
      const acls = taken.map((pattern, index) => `    acl a${index} path -m reg -- ${quoteWord(pattern)}`);
      writeFileSync(
        file,
        `defaults\n    mode http\n    timeout client 1s\nfrontend f\n    bind 127.0.0.1:1\n${acls.join('\n')}\n`,
      );
      const run = spawnSync('haproxy', ['-c', '-f', file], { encoding: 'utf8' });
      expect(`${run.stdout}${run.stderr}`.split('\n').filter((line) => /\[ALERT\].*acl|regex/.test(line))).toEqual([]);
      expect(run.status).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 60_000);
});
