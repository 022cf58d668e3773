import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { layout } from '../../src/adapters/vm-image/disk.ts';
import type { BuiltVmImageView } from '../../src/cli/context.ts';
import { silentProgress } from '../../src/cli/output/progress.ts';
import { checkImage } from '../../src/main/check-image.ts';
import { runKiln, startKiln } from '../kit/kiln-process.ts';
import { readTestbed } from '../kit/testbed-access.ts';
import { keptCache, minutes, pushImage, vmAgent } from '../kit/vm-cloud.ts';

/** `kiln image build --type vm`: built twice from Debian's packages, booted under QEMU, looked into, and pushed to the test bed's Glance. */

let folder: string;
let image: string;
let built: BuiltVmImageView;

const agent = ['--agent', vmAgent];
const build = (output: string, cache: string, ...more: string[]) =>
  runKiln(['image', 'build', '--type', 'vm', ...agent, '--json', '--output', output, '--cache', cache, ...more]);
/** Folders of builds and checks; none of ours may stay. */
const workFolders = () => readdirSync('/var/tmp').filter((name) => /^kiln-image-(check-)?\w{6}$/.test(name));
let workFoldersBefore: string[];

beforeAll(async () => {
  workFoldersBefore = workFolders();
  folder = mkdtempSync(join(tmpdir(), 'kiln-vm-'));
  image = join(folder, 'amphora.qcow2');
  const run = await build(image, keptCache, '--check', '--check-within', '1500');
  expect(run.status, run.output).toBe(0);
  built = JSON.parse(run.stdout);
  console.log(run.output);
}, 60 * minutes);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('boots, and its agent answers over mutual TLS with its version and details', () => {
  expect(built.check).toMatchObject({
    info: { apiVersion: '1.0', haproxyVersion: expect.stringMatching(/^2\.6\./) },
    details: { runningHaproxyCount: 0, listenerIds: [] },
  });
  // The host name comes from the config drive.
  expect(built.check?.info.hostname).toMatch(/^amphora-[0-9a-f-]{36}$/);
});

it('comes with a bill of materials, and with what Glance shall know', () => {
  const materials = JSON.parse(readFileSync(`${image}.cdx.json`, 'utf8'));
  const packages = materials.components.filter(({ purl }: { purl?: string }) => purl?.startsWith('pkg:deb/'));
  expect(packages).toHaveLength(built.packageCount);
  expect(materials.metadata.component.hashes).toEqual([{ alg: 'SHA-512', content: built.sha512 }]);
  expect(JSON.parse(readFileSync(`${image}.properties.json`, 'utf8'))).toMatchObject({
    sha512: built.sha512,
    properties: {
      ...(vmAgent === 'octavia' ? { octavia_agent_version: built.agentVersion } : { kiln_agent: 'kiln' }),
      kiln_packages_sha256: built.packagesHash,
    },
  });
});

it('gives the same bytes from the same packages, unpacked and set up anew', { timeout: 60 * minutes }, async () => {
  const cache = mkdtempSync(join('/var/tmp', 'kiln-vm-anew-'));
  try {
    const run = await build(join(folder, 'again.qcow2'), cache);
    expect(run.status, run.output).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ treeFromCache: false, sha512: built.sha512 });
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
});

describe('what is in it', () => {
  let raw: string;
  const debugfs = (command: string) =>
    execFileSync('debugfs', ['-R', command, `${raw}?offset=${layout.rootStart}`], { encoding: 'utf8', stdio: 'pipe' });

  beforeAll(() => {
    raw = join(folder, 'disk.raw');
    execFileSync('qemu-img', ['convert', '-O', 'raw', image, raw]);
  }, 10 * minutes);

  it('no password, no key of a host, no identity that all its servers would share', () => {
    const passwords = debugfs('cat /etc/shadow').trim().split('\n');
    for (const line of passwords) expect(line).toMatch(/^[^:]+:\*:/);
    expect(passwords.length).toBeGreaterThan(10);
    expect(debugfs('ls -p /etc/ssh')).not.toContain('ssh_host_');
    expect(debugfs('cat /etc/machine-id')).toBe('');
    expect(debugfs('ls -p /var/lib/apt/lists')).not.toContain('Packages');
  });

  it('a file system without a fault', () => {
    const root = join(folder, 'root.raw');
    execFileSync('dd', [`if=${raw}`, `of=${root}`, 'bs=1M', `skip=${layout.rootStart / 2 ** 20}`, 'conv=sparse'], {
      stdio: 'pipe',
    });
    execFileSync('e2fsck', ['-f', '-n', root], { stdio: 'pipe', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } });
  });
});

it('keeps the console of an image whose agent does not answer in time', { timeout: 5 * minutes }, async () => {
  const consoleFile = join(folder, 'console.log');
  const checked = checkImage({
    disk: image,
    withinSeconds: 1,
    consoleFile,
    memoryMiB: 512,
    clock: createSystemClock(),
    signal: new AbortController().signal,
    report: silentProgress,
  });
  await expect(checked).rejects.toMatchObject({
    code: 'IMAGE_CHECK_FAILED',
    message: expect.stringContaining('did not answer within 1 seconds'),
    advice: expect.stringContaining(consoleFile),
  });
  expect(existsSync(consoleFile)).toBe(true);
});

it('interrupted, leaves nothing behind but the cache', { timeout: 20 * minutes }, async () => {
  const output = join(folder, 'interrupted', 'amphora.qcow2');
  const kiln = startKiln(['image', 'build', '--type', 'vm', ...agent, '--output', output, '--cache', keptCache]);
  await kiln.line(/✓ unpack/);
  kiln.child.kill('SIGINT');
  expect(await kiln.ended).toBe(6);
  expect(kiln.lines.join('\n')).toContain('the build was interrupted');
  expect(readdirSync(join(folder, 'interrupted'))).toEqual([]);
  expect(workFolders()).toEqual(workFoldersBefore);
});

it('is pushed to Glance with its tag and properties', { timeout: 10 * minutes }, async () => {
  const bed = readTestbed();
  const tag = `vm-suite-${process.pid}`;
  const id = await pushImage(bed.files, image, tag);
  const headers = { 'x-auth-token': await bed.token('kiln') };
  const url = `${bed.endpoints.image}/v2/images/${id}`;
  try {
    const { body } = await request(url, { headers });
    expect(await body.json()).toMatchObject({
      ...built.properties,
      tags: [tag],
      disk_format: 'qcow2',
      min_disk: 2,
      min_ram: 512,
      os_hash_value: built.sha512,
    });
  } finally {
    await (await request(url, { method: 'DELETE', headers })).body.dump();
  }
});
