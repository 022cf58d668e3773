import { counterGrowth } from '../../lib/counter-growth.ts';
import type { Traffic } from '../../model/release.ts';
import type { HealthMoment } from '../../model/release-view.ts';

/**
 * What was counted between the first and the last of these moments of one load balancer; null: there are no two. A counter
 * that falls (HAProxy has started anew, a listener is gone) counts nothing that time: never more than there was.
 */
export function trafficBetween(moments: readonly HealthMoment[]): Traffic | null {
  const [first] = moments;
  const last = moments.at(-1);
  if (!first || !last || last.atMs <= first.atMs) return null;
  const sum: Traffic = { seconds: (last.atMs - first.atMs) / 1000, connections: 0, requestErrors: 0 };
  let { counters: before } = first;
  for (const { counters } of moments.slice(1)) {
    for (const [listenerId, now] of Object.entries(counters)) {
      sum.connections += counterGrowth(before[listenerId]?.connections, now.connections);
      sum.requestErrors += counterGrowth(before[listenerId]?.requestErrors, now.requestErrors);
      if (now.failures !== undefined)
        sum.failures = (sum.failures ?? 0) + counterGrowth(before[listenerId]?.failures, now.failures);
    }
    before = counters;
  }
  return sum;
}

/** Several load balancers at the same time; null: of none is anything known. */
export function addTraffic(all: readonly (Traffic | null)[]): Traffic | null {
  const known = all.filter((one) => one !== null);
  if (known.length === 0) return null;
  return {
    seconds: Math.max(...known.map(({ seconds }) => seconds)),
    connections: known.reduce((sum, { connections }) => sum + connections, 0),
    requestErrors: known.reduce((sum, { requestErrors }) => sum + requestErrors, 0),
    // Only where all tell: else it would be a part of them.
    ...(known.every(({ failures }) => failures !== undefined) && {
      failures: known.reduce((sum, { failures = 0 }) => sum + failures, 0),
    }),
  };
}
