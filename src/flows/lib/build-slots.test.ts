import { describe, expect, it } from 'vitest';
import { createBuildSlots } from './build-slots.ts';

const never = new AbortController().signal;
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('places for amphorae that are being built', () => {
  it('are as many as there may be, and the most urgent one gets the next', async () => {
    const slots = createBuildSlots(() => 1);
    const admitted: string[] = [];
    const ask = (id: string, priority: number) => void slots.acquire(id, priority, never).then(() => admitted.push(id));
    ask('first', 0);
    ask('creation', 0);
    ask('failover', 10);
    await settled();
    expect(admitted).toEqual(['first']);
    slots.release('first');
    await settled();
    expect(admitted).toEqual(['first', 'failover']);
    slots.release('failover');
    slots.release('failover');
    await settled();
    expect(admitted).toEqual(['first', 'failover', 'creation']);
  });

  it('are given once to one that asks twice, and one that gives up waiting lets the others by', async () => {
    const slots = createBuildSlots(() => 1);
    expect(await slots.acquire('a', 0, never)).toBe(true);
    expect(await slots.acquire('a', 0, never)).toBe(false);
    const admitted: string[] = [];
    void slots.acquire('b', 5, never).then(() => admitted.push('b'));
    void slots.acquire('c', 0, never).then(() => admitted.push('c'));
    slots.release('b');
    slots.release('a');
    await settled();
    expect(admitted).toEqual(['c']);
  });

  it('are waited for no longer when the worker is to stop', async () => {
    const slots = createBuildSlots(() => 1);
    const stop = new AbortController();
    await slots.acquire('a', 0, stop.signal);
    const waiting = slots.acquire('b', 0, stop.signal);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'SERVICE_LIMIT', retryable: true });
    await expect(slots.acquire('c', 0, stop.signal)).rejects.toMatchObject({ code: 'SERVICE_LIMIT' });
    // Those that gave up have no place, and take none.
    slots.release('a');
    await slots.acquire('d', 0, never);
  });

  it('are any number with -1', async () => {
    const slots = createBuildSlots(() => -1);
    await Promise.all(Array.from({ length: 100 }, (_, index) => slots.acquire(`${index}`, 0, never)));
  });
});
