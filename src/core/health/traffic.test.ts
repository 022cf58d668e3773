import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addTraffic, type Traffic } from './traffic.ts';

const counter = fc.nat({ max: 1000 });
const counters = fc.record({
  bytesIn: counter,
  bytesOut: counter,
  activeConnections: counter,
  totalConnections: counter,
  requestErrors: counter,
});
const traffic: fc.Arbitrary<Traffic> = fc.record({
  counters: fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), counters)).map((entries) => new Map(entries)),
  areDeltas: fc.boolean(),
});

/** What stands written after traffic was written, as the store does it. */
function written(before: Map<string, number>, { counters: reported, areDeltas }: Traffic): Map<string, number> {
  const after = new Map(before);
  for (const [id, { bytesIn }] of reported) after.set(id, (areDeltas ? (after.get(id) ?? 0) : 0) + bytesIn);
  return after;
}

it('writing the sum is the same as writing one after the other', () => {
  fc.assert(
    fc.property(fc.array(traffic, { minLength: 1, maxLength: 6 }), (all) => {
      // Agents tell totals of all their listeners at once.
      const ids = ['a', 'b', 'c'];
      const zero = { bytesIn: 0, bytesOut: 0, activeConnections: 0, totalConnections: 0, requestErrors: 0 };
      const whole = all.map((one) =>
        one.areDeltas ? one : { ...one, counters: new Map(ids.map((id) => [id, one.counters.get(id) ?? zero])) },
      );
      const before = new Map(ids.map((id) => [id, 5]));
      expect(written(before, whole.reduce(addTraffic))).toEqual(whole.reduce(written, before));
    }),
  );
});

it('open connections are those of the later one', () => {
  const one = (activeConnections: number): Traffic => ({
    counters: new Map([['a', { bytesIn: 1, bytesOut: 2, activeConnections, totalConnections: 3, requestErrors: 4 }]]),
    areDeltas: true,
  });
  expect(addTraffic(one(9), one(1)).counters.get('a')).toEqual({
    bytesIn: 2,
    bytesOut: 4,
    activeConnections: 1,
    totalConnections: 6,
    requestErrors: 8,
  });
});

it('never comes to more than a number can hold', () => {
  const most = Number.MAX_SAFE_INTEGER;
  const full: Traffic = {
    counters: new Map([
      ['a', { bytesIn: most, bytesOut: most, activeConnections: most, totalConnections: most, requestErrors: most }],
    ]),
    areDeltas: true,
  };
  expect(addTraffic(full, full)).toEqual(full);
});
