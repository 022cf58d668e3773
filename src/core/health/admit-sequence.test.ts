import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Admission, admitSequence, type SequenceState } from './admit-sequence.ts';

const patienceMs = 15_000;

/** What becomes of heartbeats: `[seconds, number]`. */
function admissions(...heartbeats: [number, number][]): Admission[] {
  let state: SequenceState | undefined;
  return heartbeats.map(([seconds, sequence]) => {
    const result = admitSequence(state, sequence, seconds * 1000, patienceMs);
    state = result.state;
    return result.admission;
  });
}

it('admits the first one, whatever its number, and those that follow; numbers may be left out', () => {
  expect(admissions([0, 7], [10, 8], [20, 11])).toEqual(['admit', 'admit', 'admit']);
});

it('drops what comes twice', () => {
  expect(admissions([0, 7], [1, 7], [40, 7])).toEqual(['admit', 'drop', 'drop']);
});

it('does not believe an old one while the agent lives, however often it is sent', () => {
  expect(admissions([0, 7], [1, 5], [2, 5], [3, 6], [10, 8], [11, 6], [20, 9])).toEqual([
    'admit',
    'hold',
    'drop',
    'hold',
    'admit',
    'hold',
    'admit',
  ]);
});

it('an agent that starts anew is believed when the old count does not go on', () => {
  expect(admissions([0, 700], [6, 0], [16, 1], [26, 2])).toEqual(['admit', 'hold', 'restarted', 'admit']);
  expect(admissions([0, 2], [6, 0], [16, 1], [26, 2])).toEqual(['admit', 'hold', 'restarted', 'admit']);
});

it('an agent that comes back after a long time is believed at once', () => {
  expect(admissions([0, 700], [60, 0], [70, 1])).toEqual(['admit', 'restarted', 'admit']);
});

it('no order of old packets, sent between the ones of an agent that lives, is ever believed', () => {
  const old = fc.array(fc.nat({ max: 30 }), { maxLength: 5 });
  fc.assert(
    fc.property(fc.array(old, { minLength: 1, maxLength: 20 }), (between) => {
      let state: SequenceState | undefined;
      between.forEach((replayed, n) => {
        const sequence = 30 + n;
        const genuine = admitSequence(state, sequence, n * 10_000, patienceMs);
        expect(genuine.admission).toBe('admit');
        state = genuine.state;
        replayed.forEach((low, m) => {
          const result = admitSequence(state, Math.min(low, sequence), n * 10_000 + m * 1000, patienceMs);
          expect(['hold', 'drop']).toContain(result.admission);
          state = result.state;
        });
      });
    }),
  );
});
