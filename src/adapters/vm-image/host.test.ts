import { describe, expect, it } from 'vitest';
import { type BuildHost, bootCodeFile, requireRoom, unsuitable } from './host.ts';

const good: BuildHost = { isRoot: true, system: 'debian', architecture: 'x64', missingTools: [] };

describe('a machine that builds', () => {
  it('is Debian on amd64, for root, with its tools', () => expect(unsuitable(good)).toBeNull());

  it.each([
    [{ isRoot: false }, 'needs root', 'as root'],
    [{ system: 'fedora' }, 'this machine runs fedora', 'Debian 12'],
    [{ system: null }, 'this machine runs something else', 'Debian 12'],
    [{ architecture: 'arm64' }, 'this machine is arm64', 'amd64 machine'],
    [
      { missingTools: ['mke2fs', 'debugfs', 'qemu-system-x86_64'] },
      'these are missing: mke2fs, debugfs, qemu-system-x86_64',
      '`apt-get install --no-install-recommends e2fsprogs qemu-system-x86`',
    ],
    [
      { missingTools: [bootCodeFile] },
      'these are missing: /usr/lib/SYSLINUX/mbr.bin',
      '`apt-get install --no-install-recommends syslinux`',
    ],
  ])('else says what is missing: %j', (difference, message, advice) => {
    const fault = unsuitable({ ...good, ...difference });
    expect(fault?.message).toContain(message);
    expect(fault?.advice).toContain(advice);
  });

  it('has room, or says how much is wanted', async () => {
    await requireRoom('/', 1);
    await expect(requireRoom('/', 2 ** 60)).rejects.toMatchObject({
      code: 'BUILD_HOST_UNSUITABLE',
      message: expect.stringMatching(/^\/ has \d+ MiB free, and the build needs 1099511627776 MiB there$/),
    });
  });
});
