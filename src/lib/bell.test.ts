import { expect, it } from 'vitest';
import { createBell } from './bell.ts';

/** Sleeps until it is woken. */
const forEver = (signal: AbortSignal) =>
  new Promise<void>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

it('wakes all who wait, and who begins to wait after it has rung; once each', async () => {
  const bell = createBell();
  const [one, other] = [bell.listen(), bell.listen()];
  const both = Promise.all([one.wait(forEver), other.wait(forEver)]);
  bell.ring();
  await both;
  bell.ring();
  bell.ring();
  await one.wait(forEver);
  let slept = 0;
  await one.wait(async () => {
    slept++;
  });
  expect(slept).toBe(1);
  other.close();
  bell.ring();
  await one.wait(forEver);
});
