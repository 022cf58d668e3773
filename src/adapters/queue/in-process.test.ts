import { expect, it } from 'vitest';
import { describeOperationQueueContract } from '../../../test/kit/contract/operation-queue.ts';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { createSystemClock } from '../clock/system-clock.ts';
import { createInProcessQueue } from './in-process.ts';

describeOperationQueueContract('in memory', async () => ({
  makeQueue: (pauseMs) => createInProcessQueue({ clock: createSystemClock(), pauseMs: () => pauseMs }),
  commit: async () => {},
  urgentArrived: async () => {},
  close: async () => {},
}));

it('within one priority, first come first served; raised by a more urgent word', async () => {
  const queue = createInProcessQueue({ clock: createFakeClock(), pauseMs: () => 1 });
  const taken: string[] = [];
  for (const id of ['a', 'b', 'c', 'd']) queue.announce({ id, priority: 0 });
  queue.announce({ id: 'c', priority: 5 });
  queue.announce({ id: 'b', priority: -5 });
  await queue.start(async (id) => {
    taken.push(id);
    return 'ended';
  }, 1);
  await queue.stop();
  expect(taken).toEqual(['c']);
});

it('rests longer after each "later" in a row', async () => {
  const clock = createFakeClock();
  const queue = createInProcessQueue({ clock, pauseMs: (deferrals) => deferrals * 100 });
  const times: number[] = [];
  queue.announce({ id: 'a', priority: 0 });
  await queue.start(async () => {
    times.push(clock.monotonicMs());
    return times.length < 4 ? 'later' : 'ended';
  }, 1);
  await clock.advance(10_000);
  expect(times).toEqual([0, 100, 300, 600]);
  expect(queue.knows('a')).toBe(false);
});

it('rests after "full" until something has ended, else for two seconds', async () => {
  const clock = createFakeClock();
  const queue = createInProcessQueue({ clock, pauseMs: () => 60_000 });
  const times: number[] = [];
  const gate = Promise.withResolvers<'ended'>();
  await queue.start(async (id) => {
    if (id === 'other') return await gate.promise;
    times.push(clock.monotonicMs());
    return times.length < 4 ? 'full' : 'ended';
  }, 2);
  queue.announce({ id: 'other', priority: 0 });
  queue.announce({ id: 'a', priority: 0 });
  await clock.advance(2_500);
  gate.resolve('ended');
  await clock.advance(2_500);
  expect(times).toEqual([0, 2_000, 2_500, 4_500]);
  expect(queue.knows('a')).toBe(false);
});

it('gives up what waits, and nothing else', async () => {
  const queue = createInProcessQueue({ clock: createFakeClock(), pauseMs: () => 1 });
  const gate = Promise.withResolvers<'ended'>();
  await queue.start(() => gate.promise, 1);
  queue.announce({ id: 'running', priority: 0 });
  queue.announce({ id: 'waiting', priority: 0 });
  expect([queue.forgetWaiting('running'), queue.forgetWaiting('waiting'), queue.forgetWaiting('waiting')]).toEqual([
    false,
    true,
    false,
  ]);
  gate.resolve('ended');
  await queue.stop();
});
