import { abortable } from '../lib/abortable.ts';
import type { Clock } from '../ports/clock.ts';
import type { ImageResolver } from '../ports/image-resolver.ts';
import type { ImageService } from '../ports/images.ts';
import type { Log } from '../ports/log.ts';
import type { TagHistory } from '../ports/tag-history.ts';
import type { HousekeepingJob } from './job.ts';

const INTERVAL_SECONDS = 30;
/** For one answer of Glance. */
const PATIENCE_MS = 15_000;
/** Further tags of flavors are left out. */
const MOST_TAGS = 50;

/**
 * Looks which images carry the tags by which amphorae find theirs, and records what has changed: also what somebody does in Glance, whom
 * Glance does not name.
 */
export function watchTagsJob(deps: {
  history: TagHistory;
  /** Null where no Glance is used. */
  images: Pick<ImageService, 'list'> | null;
  resolver: Pick<ImageResolver, 'trustedOwner'>;
  clock: Clock;
  log: Log;
  settings: () => {
    /** [controller_worker] amp_image_tag. */
    tag: string | null;
  };
}): HousekeepingJob {
  const { history, images, resolver, clock, log, settings } = deps;
  return {
    name: 'watch-tags',
    summary: 'Record which images carry the tags of amphorae',
    intervalSeconds: () => INTERVAL_SECONDS,
    async run({ dryRun, stop, assertHeld }) {
      const { tag: usual } = settings();
      const items: string[] = [];
      if (!images || dryRun) return { counts: { changes: 0 }, items, more: false };
      const tags = new Set([...(usual === null ? [] : [usual]), ...(await history.flavorTags())]);
      for (const tag of [...tags].slice(0, MOST_TAGS)) {
        await assertHeld();
        const signal = AbortSignal.any([stop, AbortSignal.timeout(PATIENCE_MS)]);
        const owner = await abortable(resolver.trustedOwner(), signal);
        const found = await abortable(images.list({ tags: [tag], ...(owner !== null && { owner }) }, signal), signal);
        const { added, removed } = await history.record(tag, found, clock.now().toISOString());
        const owners = new Map(found.map((image) => [image.id, image.owner]));
        // Where all projects are trusted it matters whose image it is: it may be the next that is booted.
        const whose = (id: string) => (owner === null ? ` of project ${owners.get(id) ?? 'unknown'}` : '');
        items.push(...added.map((id) => `image ${id}${whose(id)} carries tag ${tag}`));
        items.push(...removed.map((id) => `image ${id} no longer carries tag ${tag}`));
      }
      for (const item of items) log.info({}, item);
      return { counts: { changes: items.length }, items, more: false };
    },
  };
}
