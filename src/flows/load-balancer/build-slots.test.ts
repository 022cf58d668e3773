import { describe, expect, it } from 'vitest';
import { createBuildSlots } from './build-slots.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('places for amphorae that are being built', () => {
  it('are as many as there may be, and the most urgent one gets the next', async () => {
    const slots = createBuildSlots(() => 1);
    const admitted: string[] = [];
    const ask = (id: string, priority: number) => void slots.acquire(id, priority).then(() => admitted.push(id));
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
    await slots.acquire('a', 0);
    await slots.acquire('a', 0);
    const admitted: string[] = [];
    void slots.acquire('b', 5).then(() => admitted.push('b'));
    void slots.acquire('c', 0).then(() => admitted.push('c'));
    slots.release('b');
    slots.release('a');
    await settled();
    expect(admitted).toEqual(['c']);
  });

  it('are any number with -1', async () => {
    const slots = createBuildSlots(() => -1);
    await Promise.all(Array.from({ length: 100 }, (_, index) => slots.acquire(`${index}`, 0)));
  });
});
