/**
 * Golden files of keepalived's VRRP configuration: `NAME.conf` is what the case NAME of cases.ts is rendered to, and the
 * real keepalived finds no fault in it. After a change on purpose: `npx vitest run test/golden/vrrp -u`, then read the
 * difference.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderVrrpConfiguration } from '../../../src/core/keepalived/vrrp/render.ts';
import { KilnError } from '../../../src/model/errors.ts';
import { type Case, cases } from './cases.ts';

const hasKeepalived = spawnSync('keepalived', ['--version']).status === 0;
const render = ({ instance, settings }: Case) => renderVrrpConfiguration(instance, settings);
const master = cases.master as Case;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-vrrp-'));
  writeFileSync(join(folder, 'check_script.sh'), '#!/bin/sh\n', { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What keepalived's own check complains of, with a check script that is there. */
function check(text: string): string[] {
  const file = join(folder, 'vrrp.conf');
  writeFileSync(file, text.replace(/script .*check_script\.sh/, `script ${folder}/check_script.sh`));
  const run = spawnSync('keepalived', ['--config-test', '--log-console', '--use-file', file], { encoding: 'utf8' });
  const complaints = `${run.stdout}${run.stderr}`.split('\n').filter((line) => line !== '' && !isKnown.test(line));
  return complaints.length > 0 || knownStatuses.includes(run.status) ? complaints : [`status ${run.status}`];
}

/** The amphora's interface, which is not here (status 5); scripts that run as root, as Octavia has it (status 6). */
const isKnown =
  /script_security not enabled|interface eth\d for .* doesn't exist|^Non-existent interface specified in configuration$/;
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
  expect(check(render(master).replace('nopreempt', 'nopremt'))).toContainEqual(expect.stringContaining('nopremt'));
});

it('both amphorae of a pair have one password, and every load balancer its own', () => {
  const passwordOf = (made: Case) => /auth_pass (\S+)/.exec(render(made))?.[1];
  const other = { ...master, instance: { ...master.instance, loadBalancerId: '22222222-0000-4000-8000-000000000002' } };
  const elsewhere = { ...master, settings: { ...master.settings, authenticationKey: 'another key' } };
  expect(passwordOf(cases.backup as Case)).toBe(passwordOf(master));
  expect(passwordOf(other)).not.toBe(passwordOf(master));
  expect(passwordOf(elsewhere)).not.toBe(passwordOf(master));
});

it('an address that is none is refused', () => {
  const odd = '192.0.2.1\n}\n';
  const { instance, settings } = master;
  for (const changed of [
    { vrrpIp: odd },
    { peerIps: [odd] },
    { vip: { ...instance.vip, address: odd } },
    { vip: { ...instance.vip, gateway: odd } },
    { vip: { ...instance.vip, subnetCidr: odd } },
    { vip: { ...instance.vip, hostRoutes: [{ destination: odd, nexthop: '192.0.2.1' }] } },
    { vip: { ...instance.vip, hostRoutes: [{ destination: '192.0.2.0/24', nexthop: odd }] } },
    { additionalVips: [{ ...instance.vip, address: odd }] },
    { interfaceName: odd },
  ]) {
    expect(() => render({ instance: { ...instance, ...changed }, settings })).toThrow(KilnError);
  }
});
