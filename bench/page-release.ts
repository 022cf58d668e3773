import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { KilnDatabase } from '../src/adapters/storage/schema.ts';
import { tallyOf } from '../src/core/releases/tallies.ts';
import type { Target } from '../src/model/release.ts';
import type { ReleaseStore } from '../src/ports/release-store.ts';
import { aRelease, aTarget } from '../test/kit/releases.ts';

export const FLEET = 8_000;
/** More than a release with the default of five moves at once has. */
export const CHANGES_A_SECOND = 20;
const MOVED = 3_000;
const AT_ONCE = 10;

/** A release to look at. Told to pause, so that nothing of it is decided by `kiln serve`: there are no such load balancers. */
export async function startRelease(releases: ReleaseStore): Promise<{ id: string; targets: Target[] }> {
  const id = randomUUID();
  const atMs = Date.now();
  const base = aRelease(id, { targets: FLEET, lastWave: 3 }, atMs);
  const targets = Array.from({ length: FLEET }, (_, position) =>
    aTarget(id, randomUUID(), {
      position,
      wave: Math.floor((position * 4) / FLEET),
      state: position < MOVED ? 'moved' : 'pending',
    }),
  );
  await releases.create(
    {
      ...base,
      progress: { ...base.progress, phase: 'rolling', wave: 1, intentRevision: 1 },
      intent: { want: 'pause', by: 'bench', atMs, reason: 'to be looked at', revision: 1 },
    },
    targets,
    tallyOf(targets),
    { atMs, actor: 'bench', kind: 'created', loadBalancerId: null, reason: '', data: {} },
  );
  return { id, targets };
}

/** Load balancers go from pending to moved, one after the other, as a release that goes on does, until it is aborted. */
export async function moveOn(
  database: KilnDatabase,
  targets: readonly Target[],
  perSecond: number,
  signal: AbortSignal,
): Promise<void> {
  const { event_count: before } = await database
    .selectFrom('kiln_release')
    .select('event_count')
    .where('id', '=', targets[0]?.releaseId ?? '')
    .executeTakeFirstOrThrow();
  let events = before;
  const update = async (target: Target | undefined, state: Target['state']) => {
    if (!target) return;
    const { releaseId, loadBalancerId } = target;
    await database
      .updateTable('kiln_release_target')
      .set({ state, state_since_ms: Date.now() })
      .where('release_id', '=', releaseId)
      .where('load_balancer_id', '=', loadBalancerId)
      .execute();
    events++;
    const kind = state === 'moved' ? 'judge' : 'move';
    const said = { kind, actor: 'kiln', reason: state === 'moved' ? 'as well as before' : '', data: '{}' };
    await database
      .insertInto('kiln_release_event')
      .values({ ...said, release_id: releaseId, n: events, at_ms: Date.now(), load_balancer_id: loadBalancerId })
      .execute();
    await database.updateTable('kiln_release').set({ event_count: events }).where('id', '=', releaseId).execute();
  };
  for (let next = MOVED; next < targets.length && !signal.aborted; next++) {
    await update(targets[next], 'moving');
    await update(targets[next - AT_ONCE], 'moved');
    await pause(1000 / perSecond);
  }
}
