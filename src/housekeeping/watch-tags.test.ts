import { expect, it } from 'vitest';
import { anImage } from '../../test/kit/builders.ts';
import { createFakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { createFakeImages } from '../../test/kit/fakes/fake-images.ts';
import { createFakeLog } from '../../test/kit/fakes/fake-log.ts';
import { watchTagsJob } from './watch-tags.ts';

function bench() {
  const clock = createFakeClock({ start: '2026-11-23T12:00:00Z' });
  const log = createFakeLog();
  const image = (id: string, tags: string[], owner = 'service') => anImage({ id, tags, owner });
  const images = createFakeImages({
    images: [image('i1', ['amphora']), image('i2', ['edge']), image('x', ['amphora'], 'tenant')],
  });
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
  const settings = () => ({ tag: 'amphora', ownerId: 'service' });
  const job = watchTagsJob({ history, images, clock, log, settings });
  const run = (dryRun = false) =>
    job.run({ dryRun, byHand: false, stop: new AbortController().signal, assertHeld: async () => {} });
  return { job, run, images, seen, log, image };
}

it('finds within a minute what was tagged and untagged in Glance, of the trusted project, each tag once', async () => {
  const { job, run, images, log, image } = bench();
  expect(job.intervalSeconds()).toBeLessThanOrEqual(60);
  expect((await run()).items).toEqual(['image i1 carries tag amphora', 'image i2 carries tag edge']);
  expect(await run()).toEqual({ counts: { changes: 0 }, items: [], more: false });
  images.put(image('i3', ['amphora']));
  await images.removeTag('i1', 'amphora');
  expect((await run()).items).toEqual(['image i3 carries tag amphora', 'image i1 no longer carries tag amphora']);
  expect(log.lines).toHaveLength(4);
});

it('a dry run looks at nothing, and where no Glance is used there is nothing to look at', async () => {
  const { run, seen } = bench();
  await run(true);
  expect(seen.size).toBe(0);
});
