import { expect, it } from 'vitest';
import type { TrafficSample } from '../../model/traffic.ts';
import { trafficIntervals } from './traffic-intervals.ts';

function sample(listenerId: string, atMs: number, total: number, over: Partial<TrafficSample> = {}): TrafficSample {
  const counted = { bytesIn: total * 10, bytesOut: total * 100, totalConnections: total, requestErrors: 0 };
  return { listenerId, atMs, activeConnections: 1, ...counted, ...over };
}

const connections = (samples: readonly TrafficSample[]) => trafficIntervals(samples).map((one) => one.connections);

it('has what was counted between samples, with how long that was', () => {
  expect(trafficIntervals([])).toEqual([]);
  expect(trafficIntervals([sample('a', 0, 5)])).toEqual([]);
  expect(trafficIntervals([sample('a', 0, 5), sample('a', 65_000, 7, { requestErrors: 1 })])).toEqual([
    {
      ...{ atMs: 65_000, seconds: 65, bytesIn: 20, bytesOut: 200 },
      ...{ activeConnections: 1, connections: 2, requestErrors: 1 },
    },
  ]);
});

it('adds up listeners; one that comes has counted from 0, one that goes takes nothing away', () => {
  const both = [sample('a', 0, 5), sample('a', 60, 6), sample('b', 60, 3), sample('b', 120, 4)];
  expect(connections(both)).toEqual([4, 1]);
  expect(trafficIntervals(both).map((one) => one.activeConnections)).toEqual([2, 1]);
});

it('counts nothing where a counter fell', () => {
  expect(connections([sample('a', 0, 50), sample('a', 60, 3), sample('a', 120, 9)])).toEqual([0, 6]);
});
