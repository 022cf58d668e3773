import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { VipAllocator } from '../ports/vip-allocator.ts';
import type { VipReservations } from '../ports/vip-reservations.ts';
import type { HousekeepingJob, JobRun } from './job.ts';

/** Far longer than any request to the API lives. */
export const abandonedAfterMs = 15 * 60_000;
const INTERVAL_SECONDS = 30;
/** In one run; the next one takes the others. */
const AT_ONCE = 100;

export interface AbandonedVipsDeps {
  reservations: Pick<VipReservations, 'findOlderThan' | 'giveUpOlderThan' | 'forget'>;
  vips: Pick<VipAllocator, 'release'>;
  clock: Clock;
  log: Log;
}

/**
 * Gives back the VIPs of load balancers that were never made: the API process that had reserved them died, or could
 * reach the database or Neutron no more. What can't be given back now stays for the next time.
 */
export function releaseAbandonedVipsJob(deps: AbandonedVipsDeps, afterMs = abandonedAfterMs): HousekeepingJob {
  const { reservations, vips, clock, log } = deps;

  async function release(id: string): Promise<boolean> {
    try {
      await vips.release(id);
      await reservations.forget(id, { mayTurnUp: true });
      log.info({ loadBalancer: id }, 'a load balancer was never made; what it had in the network is given back');
      return true;
    } catch (err) {
      log.warn({ loadBalancer: id, err }, 'the VIP of a load balancer that was never made can not be given back now');
      return false;
    }
  }

  return {
    name: 'release-abandoned-vips',
    summary: 'Give back VIPs of load balancers that an API process died while making',
    intervalSeconds: () => INTERVAL_SECONDS,
    async run({ dryRun, stop, assertHeld }: JobRun) {
      const reservedBefore = new Date(clock.now().getTime() - afterMs).toISOString();
      const ids = dryRun
        ? await reservations.findOlderThan(reservedBefore, AT_ONCE)
        : await reservations.giveUpOlderThan(reservedBefore, AT_ONCE);
      const items = ids.map((id) => `load balancer ${id}`);
      if (dryRun) return { counts: { released: 0, left: ids.length }, items, more: false };
      let released = 0;
      for (const id of ids) {
        if (stop.aborted) break;
        await assertHeld();
        if (await release(id)) released++;
      }
      const left = ids.length - released;
      return { counts: { released, left }, items, more: left === 0 && ids.length === AT_ONCE };
    },
  };
}
