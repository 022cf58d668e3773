import { expect, it } from 'vitest';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { aServiceError } from '../../../test/kit/fault-injection.ts';
import { createSystemClock } from '../clock/system-clock.ts';
import { lookForLost } from './look-for-lost.ts';

const clock = () => createFakeClock({ autoAdvance: true });
/** As long as it is waited for. */
const hangs = (signal: AbortSignal) =>
  new Promise<null>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

it('a look that hangs ends with the time that there is, and says nothing of what was made', async () => {
  await expect(lookForLost(clock(), 0.05, hangs)).rejects.toMatchObject({ name: 'TimeoutError' });
});

it('it is not there when one look was told so, whatever became of the others', async () => {
  const looks = [async () => null, async () => Promise.reject(aServiceError('SERVICE_FAILED')), hangs];
  const find = (signal: AbortSignal) => (looks.shift() ?? hangs)(signal);
  expect(await lookForLost(clock(), 0.8, find)).toBeNull();
});

it('it is unknown whether it is there when no look was answered', async () => {
  const find = () => Promise.reject(aServiceError('SERVICE_UNREACHABLE'));
  await expect(lookForLost(clock(), 5, find)).rejects.toMatchObject({ code: 'SERVICE_UNREACHABLE' });
});

it('it is looked for at least once, by a real clock, whose milliseconds have fractions', async () => {
  for (const seconds of [0, 5]) expect(await lookForLost(createSystemClock(), seconds, async () => 'it')).toBe('it');
});

it('whoever stops it gets no answer', async () => {
  const stop = new AbortController();
  const looked = lookForLost(clock(), 60, hangs, stop.signal);
  stop.abort(new Error('stop'));
  await expect(looked).rejects.toThrow('stop');
});
