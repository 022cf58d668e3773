import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { VipAllocator } from '../ports/vip-allocator.ts';
import type { VipReservations } from '../ports/vip-reservations.ts';

/** Far longer than any request to the API lives. */
export const abandonedAfterMs = 15 * 60_000;
/** In one go; the next one takes the others. */
const atOnce = 100;

/**
 * Gives back the VIPs of load balancers that were never made: the API process that had reserved them died, or could
 * reach the database or Neutron no more. What can't be given back now stays for the next time.
 */
export async function releaseAbandonedVips(
  parts: { reservations: VipReservations; vips: Pick<VipAllocator, 'release'>; clock: Clock; log: Log },
  afterMs = abandonedAfterMs,
): Promise<void> {
  const { reservations, vips, clock, log } = parts;
  const reservedBefore = new Date(clock.now().getTime() - afterMs).toISOString();
  for (const id of await reservations.giveUpOlderThan(reservedBefore, atOnce)) {
    try {
      await vips.release(id);
      await reservations.forget(id, { mayTurnUp: true });
      log.info({ loadBalancer: id }, 'a load balancer was never made; what it had in the network is given back');
    } catch (error) {
      log.warn(
        { loadBalancer: id, err: error },
        'the VIP of a load balancer that was never made can not be given back now',
      );
    }
  }
}
