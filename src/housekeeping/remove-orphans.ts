import { ownerClaimOf } from '../core/orphans/owner-claim.ts';
import { type CloudObject, cloudObjectKinds, type OrphanSighting, type Ownership } from '../model/cloud-object.ts';
import type { Clock } from '../ports/clock.ts';
import type { CloudInventory } from '../ports/cloud-inventory.ts';
import type { CloudOrphans } from '../ports/cloud-orphans.ts';
import type { Log } from '../ports/log.ts';
import type { HousekeepingJob, JobRun } from './job.ts';

export interface OrphanSettings {
  /** [kiln] orphan_interval_seconds. */
  intervalSeconds: number;
  /** [kiln] orphan_grace_seconds; 0: nothing is removed. */
  graceSeconds: number;
}

/** Looks that must have found an orphan before it is removed. */
const LEAST_LOOKS = 3;
/** Removed in one run. */
const REMOVED_AT_ONCE = 50;
/** Named in a dry run, of each sort. */
const SHOWN_LIMIT = 1_000;
/** Far longer than anything in the cloud can turn up late. */
const FORMER_IDS_KEPT_MS = 400 * 86_400_000;
/** IDs, in one run. */
const FORGOTTEN_AT_ONCE = 1_000;

/**
 * Removes servers, ports and groups whose load balancer or amphora is gone. What is ours, what an orphan is and when it goes:
 * docs/decisions/0029-orphans-in-the-cloud.md.
 */
export function removeOrphansJob(deps: {
  inventory: CloudInventory;
  orphans: CloudOrphans;
  clock: Clock;
  log: Log;
  settings: () => OrphanSettings;
}): HousekeepingJob {
  const { inventory, orphans, clock, log, settings } = deps;

  /** The cloud first: whatever is in the list has been named in the database before it was made. */
  async function look(stop: AbortSignal): Promise<{ orphans: CloudObject[]; unknown: CloudObject[] }> {
    const objects: CloudObject[] = [];
    for (const kind of cloudObjectKinds) objects.push(...(await inventory.list(kind, stop)));
    const claimed = objects.flatMap((object) => {
      const claim = ownerClaimOf(object);
      return claim ? [{ object, claim }] : [];
    });
    const judged = await orphans.judge(claimed.map(({ claim }) => claim));
    const having = (ownership: Ownership) =>
      claimed.flatMap(({ object }, index) => (judged[index] === ownership ? [object] : []));
    return { orphans: having('gone'), unknown: having('unknown') };
  }

  function isRipe({ looks, firstSeenAt }: OrphanSighting): boolean {
    return looks >= LEAST_LOOKS && isOldEnough(firstSeenAt);
  }

  function isOldEnough(since: string): boolean {
    const { graceSeconds } = settings();
    return graceSeconds > 0 && Date.parse(since) <= clock.now().getTime() - graceSeconds * 1000;
  }

  /** Looks once more, right before: @returns whether it is gone. */
  async function remove(sighting: OrphanSighting): Promise<boolean> {
    const { kind, id, name } = sighting;
    const object = await inventory.find(kind, id);
    if (object) {
      const claim = ownerClaimOf(object);
      const isYoung = object.createdAt !== null && !isOldEnough(withZone(object.createdAt));
      if (!claim || object.id !== id || isYoung) return false;
      const [ownership] = await orphans.judge([claim]);
      if (ownership !== 'gone') return false;
      await inventory.remove(kind, id);
      log.warn({ kind, id, name, firstSeenAt: sighting.firstSeenAt }, 'an object without an owner was removed');
    }
    await orphans.forget(sighting);
    return object !== null;
  }

  async function removeRipe(
    ripe: readonly OrphanSighting[],
    run: JobRun,
  ): Promise<{ removed: number; failed: number }> {
    const counts = { removed: 0, failed: 0 };
    for (const sighting of ripe) {
      if (run.stop.aborted) break;
      await run.assertHeld();
      try {
        if (await remove(sighting)) counts.removed++;
      } catch (err) {
        counts.failed++;
        const { kind, id, name } = sighting;
        log.warn({ kind, id, name, err }, 'an object without an owner can not be removed now; it is tried again');
      }
    }
    return counts;
  }

  async function tell() {
    const { orphans: found, unknown } = await look(new AbortController().signal);
    const seen = new Map((await orphans.sightings()).map((one) => [`${one.kind} ${one.id}`, one]));
    const details = [
      ...found.slice(0, SHOWN_LIMIT).map((object) => ({ object, ownership: 'gone' as const })),
      ...unknown.slice(0, SHOWN_LIMIT).map((object) => ({ object, ownership: 'unknown' as const })),
    ].map(({ object: { kind, id, name }, ownership }) => {
      const sighting = seen.get(`${kind} ${id}`);
      const wouldGo =
        ownership === 'gone' && sighting !== undefined && isRipe({ ...sighting, looks: sighting.looks + 1 });
      return { kind, id, name, owner: ownership, firstSeenAt: sighting?.firstSeenAt ?? null, wouldBeRemoved: wouldGo };
    });
    const items = details.map(
      ({ kind, id, name, owner, firstSeenAt, wouldBeRemoved }) =>
        `${kind} ${id} (${name}): ${
          owner === 'unknown'
            ? 'never named by this database, stays'
            : `its owner is gone, ${firstSeenAt ? `seen since ${firstSeenAt}` : 'not seen before'}, ${wouldBeRemoved ? 'would be removed' : 'stays for now'}`
        }`,
    );
    const removed = details.filter(({ wouldBeRemoved }) => wouldBeRemoved).length;
    return { counts: { orphans: found.length, removed, unknown: unknown.length }, items, details, more: false };
  }

  return {
    name: 'orphans',
    summary: 'Remove servers, ports and groups in the cloud whose load balancer or amphora is gone',
    intervalSeconds: () => settings().intervalSeconds,
    async run(run) {
      if (run.dryRun) return await tell();
      const found = await look(run.stop);
      await run.assertHeld();
      const now = clock.now();
      const sightings = await orphans.noteLook(found.orphans, now.toISOString());
      // What is more is left to the next runs.
      await orphans.forgetIdsGoneBefore(new Date(now.getTime() - FORMER_IDS_KEPT_MS).toISOString(), FORGOTTEN_AT_ONCE);
      const inOrder = cloudObjectKinds.flatMap((kind) => sightings.filter((one) => one.kind === kind && isRipe(one)));
      const { removed, failed } = await removeRipe(inOrder.slice(0, REMOVED_AT_ONCE), run);
      const counts = { orphans: sightings.length - removed, removed, failed, unknown: found.unknown.length };
      return { counts, items: [], more: failed === 0 && inOrder.length > REMOVED_AT_ONCE };
    },
  };
}

/** Times of services are UTC, whether they say so or not. */
function withZone(time: string): string {
  return /(?:Z|[+-]\d\d:?\d\d)$/.test(time) ? time : `${time}Z`;
}
