/**
 * Golden files of keepalived's configuration: `NAME.conf` is what the case NAME of cases.ts is rendered to, and the real
 * keepalived finds no fault in it. After a change on purpose: `npx vitest run test/golden/keepalived -u`, then read the
 * difference.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderLvsConfiguration } from '../../../src/core/keepalived/lvs/render.ts';
import { KilnError } from '../../../src/model/errors.ts';
import { aListener, aMember, aMonitor, anHttpMonitor, aPool, aVip } from '../haproxy/build.ts';
import { type Case, cases, lvsCase, settings } from './cases.ts';
import { parseLvsConfiguration } from './parse.ts';

const hasKeepalived = spawnSync('keepalived', ['--version']).status === 0;
const render = ({ tree, listener }: Case) => renderLvsConfiguration(tree, listener, settings);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-keepalived-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * What keepalived's own check complains of. Without the namespace, which there is none of here: keepalived would give up
 * in silence.
 */
function check(text: string): string[] {
  const file = join(folder, 'lvs.conf');
  writeFileSync(file, text.replace('net_namespace amphora-haproxy', ''));
  const run = spawnSync('keepalived', ['--config-test', '--log-console', '--use-file', file], { encoding: 'utf8' });
  const complaints = `${run.stdout}${run.stderr}`.split('\n').filter((line) => line !== '' && !isKnown.test(line));
  return complaints.length > 0 || knownStatuses.includes(run.status) ? complaints : [`status ${run.status}`];
}

/** Octavia's files have these as well: no member to balance to (status 5), scripts that run as root (status 6). */
const isKnown = /has no real servers - ignoring|script_security not enabled/;
const knownStatuses: unknown[] = [0, 5, 6];

it('has a golden file for each case and no other', () => {
  const golden = globSync('*.conf', { cwd: import.meta.dirname }).map((file) => basename(file, '.conf'));
  expect(golden.sort()).toEqual(Object.keys(cases).sort());
});

describe.each(Object.entries(cases))('%s', (name, made) => {
  const text = render(made);

  it('is the golden file', async () => {
    await expect(text).toMatchFileSnapshot(join(import.meta.dirname, `${name}.conf`));
  });

  it.skipIf(!hasKeepalived)('is accepted by keepalived (skipped without it)', () => {
    expect(check(text)).toEqual([]);
  });
});

it.skipIf(!hasKeepalived)("keepalived's check finds faults (skipped without keepalived)", () => {
  const text = render(cases.udp as Case);
  expect(check(text.replace('lb_kind', 'lb_knd'))).toContainEqual(expect.stringContaining('lb_knd'));
  expect(check(text.replace('192.0.2.1 ', '2001:db8::1 '))).not.toEqual([]);
});

it('an address that is none is refused', () => {
  const odd = '192.0.2.1 53 {\n}';
  for (const made of [
    lvsCase({ listeners: [aListener({ protocol: 'UDP' })], pools: [aPool({ members: [aMember({ address: odd })] })] }),
    lvsCase({ loadBalancer: { vip: aVip(odd) }, listeners: [aListener({ protocol: 'UDP' })] }),
    lvsCase({
      listeners: [aListener({ protocol: 'UDP' })],
      pools: [aPool({ members: [aMember({ monitorAddress: odd })], healthMonitor: aMonitor() })],
    }),
  ]) {
    expect(() => render(made)).toThrow(KilnError);
  }
});

describe('no value that a user gives changes what keepalived is configured with besides that value', () => {
  const pieces = [
    ...[' ', '\t', '"', "'", '\\', '#', '!', '\n', '\r', '\0', '{', '}', '$HOME', '${HOME}', '$(id)', '@x', '~SEQ(a,1,3)'],
    ...['\n}\n', '\nglobal_defs {\n', 'include /etc/passwd', 'real_server', 'virtual_server', '\x85', '\u2028', 'é', '🦊'],
    ...['\ud800', '# Member x is disabled', 'MISC_CHECK', '/', '%20', '%'],
  ];
  const hostile = fc.oneof(
    fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 6 }).map((parts) => parts.join('')),
    fc.string({ unit: 'binary', maxLength: 40 }),
  );
  const withTexts = (text: string) =>
    lvsCase({
      loadBalancer: { name: text, description: text, tags: [text] },
      listeners: [aListener({ protocol: 'UDP', protocolPort: 53, name: text, description: text, tags: [text] })],
      pools: [
        aPool({
          protocol: 'UDP',
          name: text,
          description: text,
          sessionPersistence: {
            type: 'SOURCE_IP',
            cookieName: text,
            persistenceTimeout: 3,
            persistenceGranularity: `${text} `,
          },
          members: [aMember({ name: text, tags: [text] }), aMember({ name: text }, 2)],
          healthMonitor: anHttpMonitor({ name: text, urlPath: text, expectedCodes: `${text} `, domainName: text }),
        }),
      ],
    });
  const structure = (text: string) =>
    parseLvsConfiguration(text).map(({ within, words }) => [within, words[0] === 'path' ? ['path'] : words]);
  const harmless = render(withTexts('/harmless'));

  it('as a model of keepalived and the agent read it', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const rendered = render(withTexts(text));
        expect(structure(rendered)).toEqual(structure(harmless));
        expect(rendered.split('\n').length).toBe(harmless.split('\n').length);
        // What the agent looks for in every line (keepalivedlvs_query.py).
        expect(rendered.match(/real_server/g)).toEqual(harmless.match(/real_server/g));
        expect(rendered.match(/#.*/g)).toEqual(harmless.match(/#.*/g));
        const [, path = ''] = /^ *path (.*)$/m.exec(rendered) ?? [];
        if (!text.includes('%')) expect(decodeURIComponent(path)).toBe(Buffer.from(text, 'utf8').toString() || '/');
      }),
      { numRuns: 500 },
    );
  });

  it.skipIf(!hasKeepalived)('as the real keepalived reads it (skipped without it)', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(check(render(withTexts(text)))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
