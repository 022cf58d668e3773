import { describe, expect, it } from 'vitest';
import { driveCli } from '../../../../test/kit/cli.ts';
import { KilnError } from '../../../model/errors.ts';
import type { BuildVmImageOptions, BuiltVmImageView } from '../../context.ts';

const built: BuiltVmImageView = {
  file: '/images/amphora.qcow2',
  sizeBytes: 300 * 2 ** 20,
  sha512: 'ab'.repeat(64),
  release: 'bookworm',
  agent: 'octavia',
  agentVersion: '11.0.0-2+deb12u1',
  haproxyVersion: '2.6.12-1+deb12u2',
  packageCount: 516,
  packagesHash: 'cd'.repeat(32),
  treeFromCache: true,
  billOfMaterialsFile: '/images/amphora.qcow2.cdx.json',
  propertiesFile: '/images/amphora.qcow2.properties.json',
  properties: { os_distro: 'debian' },
  check: null,
};

/** Runs the command with a builder that remembers what it was asked. */
async function build(typed: string, result: BuiltVmImageView | KilnError = built) {
  const asked: BuildVmImageOptions[] = [];
  const run = await driveCli(`image build ${typed}`, {
    buildVmImage: async (options) => {
      asked.push(options);
      if (result instanceof KilnError) throw result;
      return result;
    },
  });
  return { ...run, asked };
}

describe('image build --type vm', () => {
  it('has defaults for everything', async () => {
    const run = await build('--type vm');
    expect(run.exitCode).toBe(0);
    expect(run.asked).toEqual([
      {
        outputFile: 'amphora.qcow2',
        release: 'bookworm',
        agent: 'octavia',
        cacheFolder: '/var/cache/kiln/images',
        sourcesFile: null,
        checkWithinSeconds: null,
      },
    ]);
    expect(run.stdout).toContain('octavia-agent 11.0.0-2+deb12u1');
    expect(run.stdout).toContain('516 packages, from the cache');
  });

  it("takes Kiln's own agent", async () => {
    const run = await build('--type vm --agent kiln', { ...built, agent: 'kiln', agentVersion: '0.1.0' });
    expect(run.asked).toMatchObject([{ agent: 'kiln' }]);
    expect(run.stdout).toContain("Kiln's own 0.1.0");
  });

  it('takes its options, and prints one document with --json', async () => {
    const run = await build('--type vm --json -o a.qcow2 --cache /c --sources /s --check --check-within 90');
    expect(run.asked).toMatchObject([
      { outputFile: 'a.qcow2', cacheFolder: '/c', sourcesFile: '/s', checkWithinSeconds: 90 },
    ]);
    expect(run.json()).toEqual(built);
    expect((await build('--type vm --check')).asked).toMatchObject([{ checkWithinSeconds: 600 }]);
  });

  it.each([
    ['--type vm --agent other', '--agent is "other"; allowed is octavia, kiln'],
    ['--type vm --release trixie', '--release is "trixie"; allowed is bookworm'],
    ['--type vm --name a', '--name says nothing of an image of type vm'],
    ['--type vm --version 7', '--version says nothing of an image of type vm'],
    ['--release bookworm', '--release says nothing of an image of type embedded'],
    ['--agent octavia', '--agent says nothing of an image of type embedded'],
    ['--cache c', '--cache says nothing'],
    ['--sources s', '--sources says nothing'],
    ['--check', '--check says nothing'],
    ['--check-within 5', '--check-within says nothing'],
    ['--type vm --check-within 5', '--check-within is given without --check'],
    ['--type vm --check --check-within 0', 'allowed is a whole number from 1'],
    ['--type iso', '--type is "iso"; allowed is embedded, vm'],
  ])('%s is refused', async (typed, message) => {
    const run = await build(typed);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(message);
    expect(run.asked).toEqual([]);
  });

  it.each([
    ['BUILD_HOST_UNSUITABLE', 2],
    ['IMAGE_BUILD_FAILED', 3],
    ['IMAGE_CHECK_FAILED', 6],
    ['CANCELLED', 6],
  ] as const)('ends with the status of %s', async (code, status) => {
    expect(await build('--type vm', new KilnError(code, 'why'))).toMatchObject({ exitCode: status });
  });
});
