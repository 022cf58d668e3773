import { expect, it } from 'vitest';
import { createFakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { createTagRefusals } from './tag-refusals.ts';

const startMs = Date.parse('2026-11-23T12:00:00Z');
const harness = () => {
  const clock = createFakeClock({ start: '2026-11-23T12:00:00Z', autoAdvance: true });
  return { clock, refusals: createTagRefusals(clock) };
};

it('is tried again later each time, until the tag was moved', async () => {
  const { clock, refusals } = harness();
  expect(refusals.find('r')).toBe(null);
  refusals.refused('r', 'not yours');
  expect(refusals.find('r')).toEqual({ message: 'not yours', untilMs: startMs + 5_000 });
  expect(refusals.find('another')).toBe(null);
  await clock.sleep(5_000);
  expect(refusals.find('r')).toBe(null);
  refusals.refused('r', 'still not');
  expect(refusals.find('r')).toEqual({ message: 'still not', untilMs: startMs + 15_000 });
  refusals.moved('r');
  expect(refusals.find('r')).toBe(null);
  refusals.refused('r', 'again');
  expect(refusals.find('r')).toMatchObject({ untilMs: startMs + 10_000 });
});

it('of a release that nobody looks at any more nothing is kept; of one that is under way it is', async () => {
  const { clock, refusals } = harness();
  for (const id of ['ended', 'under way']) {
    refusals.refused(id, 'no');
    refusals.refused(id, 'no');
  }
  for (let minute = 0; minute < 60; minute++) {
    await clock.sleep(60_000);
    refusals.find('under way');
  }
  for (const id of ['ended', 'under way']) refusals.refused(id, 'no');
  const nowMs = startMs + 3_600_000;
  expect(refusals.find('ended')).toMatchObject({ untilMs: nowMs + 5_000 });
  expect(refusals.find('under way')).toMatchObject({ untilMs: nowMs + 20_000 });
});
