import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { labelledGauges } from './labelled-gauges.ts';
import { createMetrics } from './registry.ts';
import { surveyGauges } from './survey-gauges.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

it('answers without the figures of a database that is silent, and asks it once', async () => {
  const registry = createMetrics();
  let looks = 0;
  let nowMs = 0;
  const look = () => {
    looks++;
    return new Promise<never>(() => {});
  };
  surveyGauges(
    registry,
    [
      { name: 'kiln_one', help: 'One.', of: () => 1 },
      { name: 'kiln_two', help: 'Two.', of: () => 2 },
    ],
    look,
  );
  const of = () => [{ labels: { state: 'moved' }, value: 3 }];
  labelledGauges(registry, [{ name: 'kiln_three', help: 'Three.', labels: ['state'], of }], look, () => nowMs);
  for (let scrapes = 0; scrapes < 3; scrapes++, nowMs += 15_000) {
    const answer = registry.metrics();
    await vi.advanceTimersByTimeAsync(3_000);
    const text = await answer;
    expect(text).toMatch(/^process_resident_memory_bytes \d+/m);
    expect(text).not.toMatch(/^kiln_/m);
  }
  expect(looks).toBe(2);
}, 2_000);
