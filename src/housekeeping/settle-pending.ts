import type { HousekeepingJob } from './job.ts';

/** How often it is looked; what is found is settled when a later look of the same process finds it unchanged. */
const INTERVAL_SECONDS = 30;

/** @param sweep.look settles what it has found often enough. */
export function settlePendingJob(sweep: {
  look(): Promise<{ waiting: number; settled: number }>;
  find(): Promise<readonly { loadBalancerId: string }[]>;
}): HousekeepingJob {
  return {
    name: 'settle-pending',
    summary: 'Settle load balancers that are PENDING with no operation behind them',
    intervalSeconds: () => INTERVAL_SECONDS,
    async run({ dryRun }) {
      if (!dryRun) return { counts: await sweep.look(), items: [], more: false };
      const found = await sweep.find();
      const items = found.map(({ loadBalancerId }) => `load balancer ${loadBalancerId}`);
      return { counts: { waiting: found.length, settled: 0 }, items, more: false };
    },
  };
}
