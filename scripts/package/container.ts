import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Build } from './stage.ts';
import { archive, sha256, Tree } from './tree.ts';

/** Where the host's own sources of packages stand, if it is the Debian that the image is made of. */
const hostSources = ['/etc/apt/sources.list', '/etc/apt/sources.list.d/debian.sources'];

/**
 * An OCI image archive: Debian 12 as mmdebstrap makes it, with the package installed, in one layer. Needs root or unprivileged user
 * namespaces. The layout is written here: umoci and buildah put times of their own into it.
 */
export async function packContainer(build: Build, folder: string, deb: string, output: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const rootfs = join(folder, 'rootfs.tar');
  const sources = hostSources.filter(existsSync);
  const isBookworm =
    existsSync('/etc/os-release') && readFileSync('/etc/os-release', 'utf8').includes('VERSION_CODENAME=bookworm');
  execFileSync(
    'mmdebstrap',
    [
      '--quiet',
      '--variant=minbase',
      '--include=adduser,ca-certificates,libstdc++6,openssl',
      `--customize-hook=copy-in ${deb} /tmp`,
      `--customize-hook=chroot "$1" dpkg --install /tmp/${deb.slice(deb.lastIndexOf('/') + 1)}`,
      // What differs between two builds, or tells of the machine that built it.
      `--customize-hook=rm -rf "$1"/tmp/* "$1"/var/log/* "$1"/var/cache/ldconfig/aux-cache "$1"/etc/apt/sources.list.d/* "$1"/etc/apt/apt.conf.d/99mmdebstrap`,
      `--customize-hook=echo 'deb http://deb.debian.org/debian bookworm main' > "$1"/etc/apt/sources.list`,
      `--customize-hook=echo localhost > "$1"/etc/hostname; : > "$1"/etc/resolv.conf`,
      'bookworm',
      rootfs,
      ...(isBookworm ? sources : []),
    ],
    { env: { ...process.env, SOURCE_DATE_EPOCH: String(build.epochSeconds) }, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const uncompressed = readFileSync(rootfs);
  rmSync(rootfs);
  const layout = new Tree(join(folder, 'layout'));
  const blob = (content: string | Uint8Array, mediaType: string) => {
    const digest = sha256(content);
    layout.write(`blobs/sha256/${digest}`, content);
    return { mediaType, digest: `sha256:${digest}`, size: Buffer.byteLength(content) };
  };
  const layer = blob(gzipSync(uncompressed, { level: 6 }), 'application/vnd.oci.image.layer.v1.tar+gzip');
  const config = blob(
    JSON.stringify({
      created: build.builtAt,
      architecture: 'amd64',
      os: 'linux',
      config: {
        User: 'kiln',
        ExposedPorts: { '9876/tcp': {}, '5555/udp': {} },
        Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
        Entrypoint: ['/usr/bin/kiln'],
        Cmd: ['serve', '--config-file', '/etc/octavia/octavia.conf'],
        Volumes: { '/var/lib/kiln': {} },
        WorkingDir: '/var/lib/kiln',
      },
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(uncompressed)}`] },
      history: [{ created: build.builtAt, created_by: 'npm run package' }],
    }),
    'application/vnd.oci.image.config.v1+json',
  );
  const manifest = blob(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config,
      layers: [layer],
    }),
    'application/vnd.oci.image.manifest.v1+json',
  );
  layout.write('oci-layout', '{"imageLayoutVersion":"1.0.0"}');
  layout.write(
    'index.json',
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [{ ...manifest, annotations: { 'org.opencontainers.image.ref.name': build.version } }],
    }),
  );
  layout.seal([], build.epochSeconds);
  await archive(layout, output, { epochSeconds: build.epochSeconds, gzip: false });
}
