import { expect, it } from 'vitest';
import { driveCli } from '../../../../../test/kit/cli.ts';
import { createMemoryFile, createOctaviaWorld, newImageId, oldImageId } from '../../../../../test/kit/octavia-world.ts';
import type { OctaviaReleaseStart } from '../../../../model/octavia-release.ts';
import { defaultReleasePolicy } from '../../../../model/release.ts';
import { createOctaviaReleases } from '../../../../octavia-release/releases.ts';
import type { OctaviaReleases } from '../../../../ports/octavia-releases.ts';

const releaseId = '3c16294e-ac3c-4dc6-85e0-c7ad1c979ec7';
const start: OctaviaReleaseStart = {
  version: 1,
  releaseId,
  tag: 'amphora',
  image: { id: newImageId, name: 'amphora-2026.2', hashAlgo: null, hash: null, ownerId: 'service' },
  formerImageIds: [oldImageId],
  policy: defaultReleasePolicy,
  planDigest: 'd',
  targets: [],
  probes: [],
};

async function setUp() {
  const world = createOctaviaWorld({ singles: 1, pairs: 0 });
  const file = createMemoryFile(world.clock);
  const log = file.open();
  await log.append({ kind: 'start', ...start });
  await log.append({ kind: 'intent', want: 'run', by: 'me', reason: 'CVE-1' });
  await log.append({ kind: 'skipped', loadBalancerId: 'lb-000', reason: 'was deleted' });
  const files = new Map([['elsewhere/release.jsonl', file]]);
  const releases = createOctaviaReleases({
    ...world.deps,
    openLog: async (path) => (files.get(path) ?? createMemoryFile(world.clock)).open(),
    listLogs: async (folder) =>
      [...files.keys(), `${folder}/of-others.jsonl`].filter((path) => path.startsWith(folder)),
    operator: 'me',
    // Nothing is planned here.
    ...({} as Pick<Parameters<typeof createOctaviaReleases>[0], 'room' | 'compute' | 'network'>),
  });
  const run = (typed: string) =>
    driveCli(`${typed} --octavia --state-file elsewhere/release.jsonl`, {
      octaviaReleases: async () => releases as OctaviaReleases,
      settings: async () => ({ imageTag: 'amphora' }) as never,
    });
  return { world, run };
}

it('lists the releases of a folder, and those that mark an image from another place', async () => {
  const { world, run } = await setUp();
  world.marks.set(oldImageId, 'of-a-laptop');
  const { stdout, exitCode } = await run('release list');
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(new RegExp(`${releaseId} +amphora-2026.2 +locking +.*elsewhere/release.jsonl`));
  expect(stdout).toMatch(new RegExp(`of-a-laptop +${oldImageId} +carried out elsewhere +- +-`));
  const found = (await run('release list --json')).json();
  expect(found).toMatchObject([
    { releaseId, state: { id: releaseId } },
    { releaseId: 'of-a-laptop', state: null },
  ]);
  world.marks.set(oldImageId, releaseId);
  expect((await run('release list --json')).json()).toHaveLength(1);
});

it('tells what was decided, all of it, in parts, or of one load balancer', async () => {
  const { run } = await setUp();
  const { stdout } = await run('release history');
  expect(stdout).toMatch(/intent +me wants it to run: CVE-1\n.*skipped +lb-000 +was deleted/);
  expect((await run('release history --json --load-balancer lb-000')).json()).toMatchObject([
    { n: 3, kind: 'skipped' },
  ]);
  expect((await run('release history --json --after 1 --limit 1')).json()).toMatchObject([{ n: 2, kind: 'intent' }]);
});
