/** No value that a user gives changes what HAProxy is configured with besides that value. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderHaproxyConfiguration } from '../../../src/core/haproxy/render.ts';
import { KilnError } from '../../../src/model/errors.ts';
import { type L7RuleType, l7RuleCompareTypes } from '../../../src/model/load-balancer.ts';
import {
  aCase,
  aListener,
  aMember,
  anHttpMonitor,
  aPolicy,
  aPool,
  aRule,
  aTlsListener,
  aVip,
  type Case,
  certificatePath,
  listenerFiles,
  poolId,
  tlsFileNames,
} from './build.ts';
import { asTheAgentStoresIt, type ConfigurationChecker, createChecker, hasHaproxy } from './check.ts';
import { parseConfiguration } from './parse.ts';

const render = ({ tree, files, settings }: Case) => renderHaproxyConfiguration(tree, files, settings);

const ruleTypes: L7RuleType[] = ['HOST_NAME', 'PATH', 'FILE_TYPE', 'HEADER', 'COOKIE', 'SSL_DN_FIELD'];
const compared = ruleTypes.flatMap((type) => l7RuleCompareTypes.map((compareType) => ({ type, compareType })));

/** A load balancer in which every field that takes a user's text takes the next one of `texts`. */
function withTexts(texts: readonly string[]): Case {
  let used = 0;
  const next = () => texts[used++ % texts.length] ?? '';
  const anything = () => ({ name: next(), description: next(), tags: [next(), next()] });
  // A regular expression has to be one: that is the API's to see to.
  const valueOf = (compareType: string) => (compareType === 'REGEX' ? `(x|y){2}${asRegex(next())}$` : next());
  const rules = compared.map(({ type, compareType }, index) =>
    aRule({ type, compareType, key: next(), value: valueOf(compareType), tags: [next()] }, index + 1),
  );
  const policies = [
    ...rules.map((rule, index) => aPolicy({ ...anything(), rules: [rule] }, index + 1)),
    aPolicy({ action: 'REDIRECT_TO_URL', redirectUrl: next(), redirectHttpCode: 301 }, 50),
    aPolicy({ action: 'REDIRECT_PREFIX', redirectPrefix: next() }, 51),
    aPolicy({ rules: [aRule({ type: 'SSL_VERIFY_RESULT', value: `${next()}.` }, 52)] }, 52),
    aPolicy({ rules: [aRule({ type: 'SSL_CONN_HAS_CERT', value: next() }, 53)] }, 53),
  ];
  const tls = () => ({ tlsCiphers: `${next()} `, alpnProtocols: [`${next()} `, 'h2'] });
  const persistence = { persistenceTimeout: null, persistenceGranularity: next() };
  const insertHeaders = { [next()]: 'true', 'X-Forwarded-For': next(), 'X-Forwarded-Port': 'true' };
  return aCase({
    loadBalancer: { ...anything(), projectId: next() },
    listeners: [
      aTlsListener({ ...anything(), ...tls(), insertHeaders, l7Policies: policies, clientAuthentication: 'OPTIONAL' }),
      aListener({ ...anything(), defaultPoolId: poolId(2), allowedCidrs: [next()] }, 2),
    ],
    pools: [
      aPool({
        ...anything(),
        ...tls(),
        tlsEnabled: true,
        members: [aMember(anything())],
        sessionPersistence: { type: 'APP_COOKIE', cookieName: next(), ...persistence },
        healthMonitor: anHttpMonitor({
          name: next(),
          httpMethod: next(),
          urlPath: next(),
          domainName: next(),
          httpVersion: 1.1,
          expectedCodes: `${next()} `,
        }),
      }),
      aPool(
        {
          members: [],
          healthMonitor: anHttpMonitor({ httpMethod: next(), urlPath: next(), domainName: next(), httpVersion: 1.0 }),
        },
        2,
      ),
    ],
    files: listenerFiles({ clientCa: certificatePath(tlsFileNames.ca) }),
  });
}

const asRegex = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

const pieces = [
  ...[' ', '  ', '\t', '"', "'", '\\', '#', '\n', '\r', '\r\n', '\0', '\x1b', '\x7f', '\x85', '\u00a0', '\u2028'],
  ...['$HOME', '${HOME}', '$', '%', '%%', '%[env(HOME)]', '%{+Q}r', '{', '}', '(', ')', ',', '!', '||', '|', ';'],
  ...[' if TRUE', ' or ', '-f', '--', '-m', '-i /etc/passwd', 'group', ' group nobody', 'user root', '.if', '&', '<'],
  ...[
    '\nfrontend evil\n    mode http\n',
    '\nglobal\n  insecure-fork-wanted',
    '\\x41',
    '\\n',
    '\\',
    'é',
    '🦊',
    '\ud800',
  ],
];
const hostile = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 5 }).map((all) => all.join('')),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(...pieces) },
);
const hostileTexts = fc.array(hostile, { minLength: 1, maxLength: 20 });

const mark = 'harmless';
const harmless = parseConfiguration(render(withTexts([mark])));

/** Fails unless `text` says what the harmless configuration says, but for words that hold the user's text. */
function expectSameStructure(text: string): void {
  const found = parseConfiguration(text);
  expect(found.map(({ header, lines }) => [header, lines.map(({ length }) => length)])).toEqual(
    harmless.map(({ header, lines }) => [header, lines.map(({ length }) => length)]),
  );
  for (const [section, { lines }] of harmless.entries()) {
    for (const [line, words] of lines.entries()) {
      const masked = words.map((word, index) => (word.includes(mark) ? found[section]?.lines[line]?.[index] : word));
      expect(found[section]?.lines[line]).toEqual(masked);
    }
  }
}

let checker: ConfigurationChecker;
beforeAll(async () => {
  if (hasHaproxy) checker = await createChecker();
});
afterAll(() => checker?.close());

it('is about lines of every kind', () => {
  const marked = harmless.flatMap(({ lines }) => lines.filter((words) => words.some((word) => word.includes(mark))));
  const kinds = new Set(marked.map(([first, second]) => (first === 'acl' ? first : `${first} ${second}`)));
  expect([...kinds].sort()).toEqual([
    'acl',
    'http-check send',
    expect.stringMatching('^log-format harmless'),
    'option httpchk',
    'redirect code',
    'redirect prefix',
    'stick match',
    'stick store-response',
  ]);
  expect(marked.filter(([first]) => first === 'acl').length).toBe(compared.length);
});

it('keeps the structure, whatever users give', () => {
  fc.assert(
    fc.property(hostileTexts, (texts) => expectSameStructure(render(withTexts(texts)))),
    { numRuns: 200 },
  );
});

it('writes printable ASCII that the agent of the amphora stores as it is', () => {
  fc.assert(
    fc.property(hostileTexts, (texts) => {
      const text = render(withTexts(texts));
      expect(text).toMatch(/^[\n\x20-\x7e]*$/);
      expect(asTheAgentStoresIt(text)).toBe(text);
    }),
    { numRuns: 200 },
  );
});

it('compares with exactly what the user gave', () => {
  fc.assert(
    fc.property(hostile, (value) => {
      const rule = aRule({ type: 'PATH', compareType: 'EQUAL_TO', value });
      const text = render(aCase({ listeners: [aListener({ l7Policies: [aPolicy({ rules: [rule] })] })] }));
      const lines = parseConfiguration(text).flatMap((section) => section.lines);
      // NUL can't be written; a line feed, which is in no request either, stands for it.
      const expected = Buffer.from(value.replaceAll('\0', '\n')).toString();
      expect(lines.find(([first]) => first === 'acl')?.at(-1)).toBe(expected);
    }),
    { numRuns: 300 },
  );
});

describe.skipIf(!hasHaproxy)('HAProxy (skipped without it)', () => {
  it('accepts every piece, in one field after the other', () => {
    for (let first = 0; first < pieces.length; first += 4) {
      const texts = [...pieces.slice(first), ...pieces.slice(0, first)];
      const result = checker.check(render(withTexts(texts)));
      expect({ texts, ...result }).toEqual({ texts, status: 0, alerts: [] });
    }
  });

  it('accepts whatever users give', () => {
    for (const texts of fc.sample(hostileTexts, { numRuns: 10, seed: 20261123 })) {
      const result = checker.check(render(withTexts(texts)));
      expect({ texts, ...result }).toEqual({ texts, status: 0, alerts: [] });
    }
  });
});

it.each(['192.0.2.1 disabled', '192.0.2', 'localhost', '', '192.0.2.1\n', '::1%eth0', '[::1]', '/tmp/socket'])(
  'refuses the address %j',
  (address) => {
    const places = [
      aCase({ loadBalancer: { vip: aVip(address) } }),
      aCase({ loadBalancer: { additionalVips: [aVip(address)] } }),
      aCase({ pools: [aPool({ members: [aMember({ address })] })] }),
      aCase({ settings: { peers: [{ amphoraId: 'a', address }] } }),
      ...(address === ''
        ? []
        : [
            aCase({
              pools: [aPool({ members: [aMember({ monitorAddress: address })], healthMonitor: anHttpMonitor() })],
            }),
          ]),
    ];
    for (const made of places) expect(() => render(made)).toThrow(KilnError);
  },
);

it('refuses a TERMINATED_HTTPS listener without a certificate: its port would speak no TLS', () => {
  expect(() => render(aCase({ listeners: [aTlsListener()] }))).toThrow(/no certificate/);
});
