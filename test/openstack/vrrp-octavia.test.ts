import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { renderVrrpConfiguration } from '../../src/core/keepalived/vrrp/render.ts';
import { parseLvsConfiguration } from '../golden/keepalived/parse.ts';
import { cases } from '../golden/vrrp/cases.ts';

/**
 * Every golden case, rendered by the real Octavia as well (Debian: python3-octavia, 11.0) and compared word by word, as
 * keepalived reads them. Where the two differ, docs/keepalived-differences.md says why; what is not listed there and here
 * is a fault.
 */
const python = '/usr/bin/python3';
const isInstalled =
  spawnSync(python, ['-c', 'import octavia.amphorae.drivers.keepalived.jinja.jinja_cfg']).status === 0;

/** The lines in their order; each load balancer's password is a random word of its own. */
function directives(text: string): string[] {
  return parseLvsConfiguration(text).map(({ within, words }) =>
    `${within.replace(/vrrp_instance \w+/, 'instance')} | ${words.join(' ')}`.replace(/auth_pass \S+/, 'auth_pass …'),
  );
}

/** What only one side has: `-` Octavia, `+` Kiln. */
function difference(ours: readonly string[], octavia: readonly string[]): string[] {
  const only = (these: readonly string[], others: readonly string[]) => these.filter((line) => !others.includes(line));
  return [...only(octavia, ours).map((line) => `- ${line}`), ...only(ours, octavia).map((line) => `+ ${line}`)];
}

const state = (role: string) => `- instance | state ${role}`;
/** Version 3, in words: Octavia has keepalived find out by itself. */
const version3 = [
  '- instance / authentication | auth_type PASS',
  '- instance / authentication | auth_pass …',
  '+ instance | version 3',
];
const sorted = (lines: readonly string[]) => [...lines].sort();

/** By case: all there is of differences, beside the first state. */
const expected: Record<string, readonly string[]> = {
  'interface-absent': ['+ global_defs | dynamic_interfaces'],
  ipv6: version3,
  'ipv6-host-routes': version3,
  'ipv6-and-ipv4': version3,
  'sub-second': version3,
  'sub-second-ipv6': version3,
};

describe.skipIf(!isInstalled)("Octavia's VRRP renderer (skipped without Debian's python3-octavia)", () => {
  let octavia: Record<string, string>;
  beforeAll(() => {
    const run = spawnSync(python, [join(import.meta.dirname, 'vrrp-octavia.py')], {
      input: JSON.stringify(cases),
      encoding: 'utf8',
      env: { LC_ALL: 'C.UTF-8' },
    });
    expect({ status: run.status, stderr: run.stderr }).toMatchObject({ status: 0 });
    octavia = JSON.parse(run.stdout);
  });

  it.each(Object.entries(cases))('%s: renders the same', (name, { instance, settings }) => {
    const ours = directives(renderVrrpConfiguration(instance, settings));
    const theirs = directives(octavia[name] ?? '');
    const role = instance.priority === 100 ? 'MASTER' : 'BACKUP';
    expect(sorted(difference(ours, theirs))).toEqual(sorted([state(role), ...(expected[name] ?? [])]));
    const common = (lines: readonly string[], others: readonly string[]) => lines.filter((it) => others.includes(it));
    expect(common(ours, theirs)).toEqual(common(theirs, ours));
  });
});
