/**
 * Runs the test suites and closes with one line that machines read: `N passed, N failed`.
 * `test.ts` runs what needs no cloud; `test.ts unit` of that what starts no process; `test.ts openstack` runs what needs the test
 * bed and brings it up first; `test.ts octavia` what needs a real Octavia in it; `test.ts vm` what builds virtual machine images and boots
 * them, on a test bed whose Nova has libvirt (as root); `test.ts vm template`, which needs no test bed, alone.
 * `test.ts ui` what shows the web page in a browser. Further arguments are file filters; `-t NAME` runs only tests whose name, with those
 * of the suites around it, matches this pattern. Exit status 0 only if every test passed and at least one ran.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';
import { ensureDebianPackages } from './debian-packages.ts';

const [first, ...rest] = process.argv.slice(2);
const vm = first === 'vm';
const openstack = first === 'openstack' || first === 'octavia' || vm;
const unit = first === 'unit';
const ui = first === 'ui';
const { filters, testNamePattern } = readArguments(openstack || unit || ui ? rest : process.argv.slice(2));
/** An embedded cloud with virtual machines of its own. */
const bedless = vm && filters.length > 0 && filters.every((filter) => /(^|\/)template(\.test\.ts)?$/.test(filter));

// openssl checks our certificates, haproxy and keepalived our configurations; our agent for virtual machines runs in a network
// namespace, by iproute2, ipvsadm, nftables, procps and socat; the others are the real clients and renderers that Kiln is compared with.
const packages = [
  'openssl',
  'curl',
  'haproxy',
  'keepalived',
  'iproute2',
  'ipvsadm',
  'nftables',
  'procps',
  'socat',
  'iputils-ping',
  'pcre2-utils',
  'python3-openstackclient',
  'python3-octaviaclient',
  'python3-oslo.config',
];
const builders = [
  'mmdebstrap',
  'fdisk',
  'e2fsprogs',
  'mtools',
  'syslinux',
  'qemu-utils',
  'qemu-system-x86',
  'genisoimage',
  'openssh-client',
];
ensureDebianPackages([
  ...packages,
  ...(openstack && !bedless ? ['python3-octavia', 'galera-4', 'rsync'] : []),
  ...(vm ? builders : []),
  ...(ui ? ['chromium'] : []),
]);

if (ui) process.env.KILN_TEST_SUITE = 'ui';

if (openstack) {
  process.env.KILN_TEST_SUITE = first;
  if (vm) {
    process.env.KILN_TESTBED_HYPERVISOR = 'libvirt';
    process.env.KILN_TESTBED_DIR ??= '/var/tmp/kiln-testbed-libvirt';
  }
  const up = bedless ? null : spawnSync('bash', ['testbed/up.sh'], { stdio: 'inherit' });
  if (up && up.status !== 0) {
    console.error('The test bed did not come up; the log it named above says why.');
    console.log('0 passed, 1 failed');
    process.exit(1);
  }
}

// Whatever tests leave behind goes with the run. Not with the test bed: its programs run as users of their own.
const scratch = openstack && !bedless ? null : mkdtempSync(join(temporaryFolder(), 'k'));
if (scratch) process.env.TMPDIR = scratch;

const vitest = await startVitest('test', filters, {
  watch: false,
  ...(unit ? { project: ['unit'] } : {}),
  ...(testNamePattern === undefined ? {} : { testNamePattern }),
});
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const module of vitest.state.getTestModules()) {
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    if (state === 'passed') counts.passed++;
    else if (state === 'failed') counts.failed++;
    else counts.skipped++;
  }
  // A file that could not be loaded holds no test, and the tests of a suite whose beforeAll failed count as skipped.
  for (const group of [module, ...module.children.allSuites()]) {
    if (group.errors().length > 0) counts.failed++;
  }
}
counts.failed += vitest.state.getUnhandledErrors().length;
await vitest.close();
if (scratch) rmSync(scratch, { recursive: true, force: true });
if (counts.skipped > 0) console.log(`${counts.skipped} skipped`);
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);

/** File filters, and what `-t NAME` says. */
function readArguments(args: string[]): { filters: string[]; testNamePattern: string | undefined } {
  const options = { testNamePattern: { type: 'string', short: 't' } } as const;
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  return { filters: positionals, testNamePattern: values.testNamePattern };
}

/** In memory where there is room: databases in files wait for no disk. */
function temporaryFolder(): string {
  const memory = '/dev/shm';
  try {
    accessSync(memory, constants.W_OK);
    const { bavail, bsize } = statfsSync(memory);
    return process.env.TMPDIR === undefined && bavail * bsize > 2 ** 31 ? memory : tmpdir();
  } catch {
    return tmpdir();
  }
}
