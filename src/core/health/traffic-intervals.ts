import { counterGrowth } from '../../lib/counter-growth.ts';
import type { TrafficInterval, TrafficSample } from '../../model/traffic.ts';

/** What was counted between samples of one load balancer, or of one listener of it, by time. */
export function trafficIntervals(samples: readonly TrafficSample[]): TrafficInterval[] {
  const moments = [...Map.groupBy(samples, ({ atMs }) => atMs)].sort(([one], [other]) => one - other);
  const latest = new Map<string, TrafficSample>();
  return moments.flatMap(([atMs, listeners], index) => {
    const previous = moments[index - 1];
    const interval: TrafficInterval | null = previous
      ? {
          ...{ atMs, seconds: (atMs - previous[0]) / 1000 },
          ...{ bytesIn: 0, bytesOut: 0, activeConnections: 0, connections: 0, requestErrors: 0 },
        }
      : null;
    for (const now of listeners) {
      const before = latest.get(now.listenerId);
      latest.set(now.listenerId, now);
      if (!interval) continue;
      interval.bytesIn += counterGrowth(before?.bytesIn, now.bytesIn);
      interval.bytesOut += counterGrowth(before?.bytesOut, now.bytesOut);
      interval.connections += counterGrowth(before?.totalConnections, now.totalConnections);
      interval.requestErrors += counterGrowth(before?.requestErrors, now.requestErrors);
      interval.activeConnections += now.activeConnections;
    }
    return interval ? [interval] : [];
  });
}
