import type { Amphora } from '../../model/amphora.ts';
import { KilnError, noneIfGone, ServiceError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ComputeService } from '../../ports/compute.ts';
import { waitUntil } from './wait-until.ts';

/** How long Nova may take to delete, and a Nova that is down may take to come back, before the removal is put off. */
const PATIENCE = { totalMs: 60_000, firstPauseMs: 200, longestPauseMs: 5_000 };

/** Of what `removeServers` throws: Nova takes deletions, and has not finished one. */
export const isStillDeleting = (error: unknown): error is KilnError =>
  error instanceof KilnError && error.code === 'BOOT_FAILED';

/**
 * Deletes every server that belongs to the amphora, found by ID and by name, and waits until Nova has none left.
 * The name finds those whose creation was never answered. Idempotent.
 * @param lateSeconds how long to keep looking for a server that Nova may yet make; 0 where its answer was had.
 * @throws the last ServiceError, or BOOT_FAILED, when servers may be left.
 */
export async function removeServers(
  parts: { compute: ComputeService; clock: Clock },
  amphora: Pick<Amphora, 'serverName' | 'computeId'>,
  lateSeconds: number,
): Promise<void> {
  const { compute, clock } = parts;
  const lookUntilMs = clock.monotonicMs() + lateSeconds * 1000;
  const totalMs = PATIENCE.totalMs + lateSeconds * 1000;
  let obstacle: unknown = null;

  const gone = await waitUntil(clock, { ...PATIENCE, totalMs }, async () => {
    try {
      const left = await serversLeft(compute, amphora);
      await Promise.all(left.map((id) => compute.deleteServer(id)));
      return left.length === 0 && clock.monotonicMs() >= lookUntilMs ? true : null;
    } catch (error) {
      if (!(error instanceof KilnError) || !error.retryable) throw error;
      obstacle = error;
      return null;
    }
  });
  if (gone) return;
  if (obstacle instanceof ServiceError) throw obstacle;
  throw new KilnError('BOOT_FAILED', `Nova still has a server ${amphora.serverName} after ${totalMs / 1000} s`, {
    advice: `Look at it with \`openstack server show ${amphora.serverName}\`; Kiln will try again by itself.`,
  });
}

async function serversLeft(
  compute: ComputeService,
  amphora: Pick<Amphora, 'serverName' | 'computeId'>,
): Promise<string[]> {
  const found = await compute.findServersByName(amphora.serverName);
  const ids = new Set(found.filter((server) => server.status !== 'DELETED').map((server) => server.id));
  if (amphora.computeId && !ids.has(amphora.computeId)) {
    const byId = await compute.getServer(amphora.computeId).catch(noneIfGone);
    if (byId && byId.status !== 'DELETED') ids.add(byId.id);
  }
  return [...ids];
}
