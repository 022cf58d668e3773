import { trafficWindowMs } from '../model/traffic.ts';
import type { Clock } from '../ports/clock.ts';
import type { TrafficSamples } from '../ports/traffic-samples.ts';
import type { HousekeepingJob } from './job.ts';

/** Takes a sample of the counters of all listeners each minute, for statistics over time. */
export function sampleTrafficJob(deps: { samples: Pick<TrafficSamples, 'take'>; clock: Clock }): HousekeepingJob {
  const { samples, clock } = deps;
  return {
    name: 'sample-traffic',
    summary: 'Take a sample of the traffic of all listeners, for statistics over time',
    intervalSeconds: () => trafficWindowMs.hour.stepMs / 1000,
    async run({ dryRun, stop, assertHeld }) {
      if (!dryRun) {
        await samples.take(clock.now().getTime(), async () => {
          stop.throwIfAborted();
          await assertHeld();
        });
      }
      return { counts: {}, items: [], more: false };
    },
  };
}
