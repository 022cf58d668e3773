import type { Clock } from '../ports/clock.ts';
import type { HousekeepingJob } from './job.ts';
import { orphanGraceMs } from './settle-orphans.ts';

/** How often it is looked; what is found is settled when a later look of the same process finds it unchanged. */
const INTERVAL_SECONDS = 30;

/** @param sweep.look settles what it has found before, `orphanGraceMs` ago or more. By hand, that time is waited for. */
export function settlePendingJob(sweep: {
  look(): Promise<{ waiting: number; settled: number }>;
  find(): Promise<readonly { loadBalancerId: string }[]>;
  clock: Clock;
}): HousekeepingJob {
  return {
    name: 'settle-pending',
    summary: 'Settle load balancers that are PENDING with no operation behind them',
    intervalSeconds: () => INTERVAL_SECONDS,
    async run({ dryRun, byHand, stop, assertHeld }) {
      if (!dryRun) {
        let counts = await sweep.look();
        if (byHand && counts.waiting > 0) {
          await sweep.clock.sleep(orphanGraceMs, stop);
          await assertHeld();
          counts = await sweep.look();
        }
        return { counts, items: [], more: false };
      }
      const found = await sweep.find();
      const items = found.map(({ loadBalancerId }) => `load balancer ${loadBalancerId}`);
      return { counts: { waiting: found.length, settled: 0 }, items, more: false };
    },
  };
}
