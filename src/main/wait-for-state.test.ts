import { expect, it } from 'vitest';
import { createFakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../test/kit/fakes/fake-log.ts';
import { KilnError } from '../model/errors.ts';
import type { State } from './state.ts';
import { waitForState } from './wait-for-state.ts';

const state = {} as State;
const fault = (retryable: boolean) => new KilnError('STATE_UNUSABLE', 'refused', { retryable });

function set(errors: readonly Error[]) {
  const left = [...errors];
  const stop = new AbortController();
  const log = createFakeLog();
  const clock = createFakeClock({ autoAdvance: true });
  const open = async () => {
    const error = left.shift();
    if (error) throw error;
    return state;
  };
  return { log, stop, clock, wait: () => waitForState(open, { clock, log, signal: stop.signal }) };
}

it('waits with growing pauses for a database that is not there yet, and says so each time', async () => {
  const { wait, log } = set(Array.from({ length: 7 }, () => fault(true)));
  expect(await wait()).toBe(state);
  expect(log.lines.map(({ fields }) => (fields as { pauseMs: number }).pauseMs)).toEqual([
    500, 1000, 2000, 4000, 8000, 15_000, 15_000,
  ]);
});

it('does not wait for what waiting can not cure', async () => {
  await expect(set([fault(false)]).wait()).rejects.toMatchObject({ code: 'STATE_UNUSABLE', exitCode: 2 });
  await expect(set([new Error('a fault')]).wait()).rejects.toThrow('a fault');
});

it('is over when it is asked to stop', async () => {
  const { wait, stop } = set(Array.from({ length: 99 }, () => fault(true)));
  stop.abort();
  expect(await wait()).toBeNull();
});
