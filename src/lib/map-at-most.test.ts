import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { mapAtMost } from './map-at-most.ts';

it('asks so many at a time, the next as soon as one has ended, and answers in order', async () => {
  let [underWay, most] = [0, 0];
  const ended: number[] = [];
  const answers = await mapAtMost(2, [30, 1, 1, 1], async (ms) => {
    most = Math.max(most, ++underWay);
    await sleep(ms * 10);
    underWay--;
    ended.push(ms);
    return ms * 2;
  });
  expect(answers).toEqual([60, 2, 2, 2]);
  expect(most).toBe(2);
  // Batches would end as 1, 30, 1, 1.
  expect(ended).toEqual([1, 1, 1, 30]);
});

it('tells of the first in order that failed, after all that were begun, and begins none any more', async () => {
  const ended: string[] = [];
  const asked = mapAtMost(3, ['slow', 'quick', 'fine', 'never'], async (item) => {
    if (item === 'slow') await sleep(30);
    if (item === 'fine') await sleep(5);
    ended.push(item);
    if (item !== 'fine') throw new Error(item);
  });
  await expect(asked).rejects.toThrow('slow');
  expect(ended).toEqual(['quick', 'fine', 'slow']);
});

it('asks nothing of nothing, and takes a failure before the first wait as any other', async () => {
  expect(await mapAtMost(3, [], async () => 1)).toEqual([]);
  const thrower = () => {
    throw new Error('at once');
  };
  await expect(mapAtMost(1, [1, 2], thrower)).rejects.toThrow('at once');
});
