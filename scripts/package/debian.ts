import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Build, programs, projectRoot } from './stage.ts';
import { Tree } from './tree.ts';

/**
 * Packs `kiln_VERSION_amd64.deb` with dpkg-deb, which keeps order and times.
 * @param folder an empty one, for the package's tree. @param usr what `stageUsr` made. @param level of xz, 0 to 9.
 */
export function packDebian(build: Build, folder: string, usr: string, output: string, level: number): void {
  const tree = new Tree(folder);
  tree.copy(usr, 'usr');
  tree.copy(join(projectRoot, 'packaging/systemd'), 'lib/systemd/system');
  tree.copy(join(projectRoot, 'packaging/logrotate/kiln'), 'etc/logrotate.d/kiln');
  tree.copy(join(projectRoot, 'packaging/debian/lintian-overrides'), 'usr/share/lintian/overrides/kiln');
  const files = tree.files();
  const sizeKibibytes = files.reduce((sum, path) => sum + Math.ceil(statSync(join(folder, path)).size / 1024), 0);
  const hash = (path: string) =>
    createHash('md5')
      .update(readFileSync(join(folder, path)))
      .digest('hex');
  tree.write(
    'DEBIAN/md5sums',
    files
      .filter((path) => !path.startsWith('etc/'))
      .map((path) => `${hash(path)}  ${path}\n`)
      .join(''),
  );
  tree.write('DEBIAN/conffiles', '/etc/logrotate.d/kiln\n');
  tree.write(
    'DEBIAN/control',
    `Package: kiln
Version: ${build.version}
Architecture: amd64
Maintainer: Kiln maintainers <kiln@kiln.invalid>
Installed-Size: ${sizeKibibytes}
Depends: adduser, libc6 (>= 2.28), libgcc-s1, libstdc++6
Recommends: bash-completion, logrotate, openssl
Section: net
Priority: optional
Description: load-balancer controller for OpenStack, compatible with Octavia
 Kiln serves Octavia's API, reads octavia.conf and drives Octavia's amphorae.
 Before it boots an amphora it asks Glance which image carries the tag that
 the operator named, so that a new image is released by a change in Glance,
 with no file edited and no service restarted.
`,
  );
  const scripts = ['postinst', 'prerm', 'postrm'];
  for (const script of scripts) tree.copy(join(projectRoot, 'packaging/debian', script), join('DEBIAN', script));
  tree.seal(
    [...programs.map((path) => join('usr', path)), ...scripts.map((script) => join('DEBIAN', script))],
    build.epochSeconds,
  );
  chmodSync(folder, 0o755);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', `-z${level}`, '--build', folder, output], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(build.epochSeconds) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
