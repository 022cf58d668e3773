import { expect, it } from 'vitest';
import { anImage } from '../../test/kit/builders.ts';
import { createFakeDeps } from '../../test/kit/fakes/fake-amphora-deps.ts';
import { jobRun } from '../../test/kit/job-run.ts';
import { watchTagsJob } from './watch-tags.ts';

/** @param ownerId [controller_worker] amp_image_owner_id; Kiln authenticates as `service-project`. */
function harness(ownerId = '') {
  const { clock, log, images, resolver, settings: amphoraSettings } = createFakeDeps();
  amphoraSettings.image = { ...amphoraSettings.image, ampImageOwnerId: ownerId };
  const image = (id: string, tags: string[], owner = 'service-project') => anImage({ id, tags, owner });
  for (const one of [image('i2', ['edge']), image('x', ['amphora'], 'tenant')]) images.put(one);
  const seen = new Map<string, string[]>();
  const history = {
    flavorTags: async () => ['edge', 'amphora'],
    list: async () => [],
    record: async (tag: string, found: readonly { id: string }[]) => {
      const before = seen.get(tag) ?? [];
      const now = found.map(({ id }) => id);
      seen.set(tag, now);
      return { added: now.filter((id) => !before.includes(id)), removed: before.filter((id) => !now.includes(id)) };
    },
  };
  const settings = () => ({ tag: 'amphora' });
  const job = watchTagsJob({ history, images, resolver, clock, log, settings });
  const run = (dryRun = false) => job.run({ ...jobRun, dryRun });
  return { job, run, images, seen, log, image };
}

it('finds within a minute what was tagged and untagged in Glance, of the trusted project, each tag once', async () => {
  const { job, run, images, log, image } = harness();
  expect(job.intervalSeconds()).toBeLessThanOrEqual(60);
  expect((await run()).items).toEqual(['image image-1 carries tag amphora', 'image i2 carries tag edge']);
  expect(await run()).toEqual({ counts: { changes: 0 }, items: [], more: false });
  images.put(image('i3', ['amphora']));
  await images.removeTag('image-1', 'amphora');
  expect((await run()).items).toEqual(['image i3 carries tag amphora', 'image image-1 no longer carries tag amphora']);
  expect(log.lines).toHaveLength(4);
});

it.each([
  ['', ['image image-1 carries tag amphora', 'image i2 carries tag edge']],
  ['tenant', ['image x carries tag amphora']],
  [
    'any',
    [
      'image image-1 of project service-project carries tag amphora',
      'image x of project tenant carries tag amphora',
      'image i2 of project service-project carries tag edge',
    ],
  ],
])(
  'with amp_image_owner_id = "%s" it records the images that amphorae may boot, and no other',
  async (owner, items) => {
    expect(new Set((await harness(owner).run()).items)).toEqual(new Set(items));
  },
);

it('a dry run looks at nothing, and where no Glance is used there is nothing to look at', async () => {
  const { run, seen } = harness();
  await run(true);
  expect(seen.size).toBe(0);
});
