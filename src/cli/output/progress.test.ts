import { describe, expect, it } from 'vitest';
import type { Clock } from '../../ports/clock.ts';
import { createProgress } from './progress.ts';

/** A clock that is moved by hand, on which whoever sleeps wakes when its time has come. */
function createHandClock(): Clock & { advance(milliseconds: number): Promise<void> } {
  let nowMs = 0;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  return {
    now: () => new Date(nowMs),
    monotonicMs: () => nowMs,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { at: nowMs + milliseconds, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          reject(signal.reason as Error);
        });
      }),
    async advance(milliseconds) {
      nowMs += milliseconds;
      for (const sleeper of sleepers) {
        if (sleeper.at > nowMs) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

function stand(isTTY: boolean, columns = 60) {
  const clock = createHandClock();
  let text = '';
  const write = (more: string) => {
    text += more;
  };
  const progress = createProgress({ isTTY, columns: isTTY ? columns : null, colour: false, write }, clock);
  const take = () => {
    const taken = text;
    text = '';
    return taken;
  };
  return { clock, progress, take };
}
const wipe = '\r\u001b[2K';

describe('on a terminal', () => {
  it('a step is drawn over and over, and ends as one line', async () => {
    const { clock, progress, take } = stand(true);
    const step = progress.step('server active');
    expect(take()).toBe(`${wipe}⠋ server active  0 ms`);
    await clock.advance(100);
    expect(take()).toBe(`${wipe}⠙ server active  100 ms`);
    progress.line('note');
    expect(take()).toBe(`${wipe}note\n${wipe}⠙ server active  100 ms`);
    await clock.advance(4000);
    take();
    step.done('at 192.0.2.1');
    expect(take()).toBe(`${wipe}✓ server active     4.1 s  at 192.0.2.1\n`);
    await clock.advance(1000);
    expect(take()).toBe('');
  });

  it('a transfer is a bar that keeps to the width, drawn ten times a second at most', async () => {
    const { clock, progress, take } = stand(true, 70);
    const transfer = progress.transfer('upload', 100 * 1024);
    expect(take()).toBe(`${wipe}  upload         ░░░░░░░░░░   0 %  0 B of 100 KiB`);
    await clock.advance(1000);
    transfer.update(50 * 1024);
    const drawn = take();
    expect(drawn).toContain(' 50 %  50.0 KiB of 100 KiB, 50.0 KiB/s');
    expect(drawn.length - wipe.length).toBeLessThan(70);
    transfer.update(51 * 1024);
    expect(take()).toBe('');
    transfer.update(100 * 1024);
    transfer.done();
    expect(take()).toBe(`${wipe}✓ upload            1.0 s  100 KiB\n`);
  });

  it('no bar where there is no room for one', async () => {
    const { progress, take } = stand(true, 30);
    progress.transfer('upload', 1024);
    expect(take()).toBe(`${wipe}  upload         0 %  0 B of 1.0 KiB`);
  });

  it('a status comes and goes without a trace', () => {
    const { progress, take } = stand(true);
    progress.status('checking: flavor');
    progress.status(null);
    expect(take()).toBe(`${wipe}checking: flavor${wipe}`);
  });
});

describe('elsewhere', () => {
  it('a status is a line after five silent seconds, and no more often', async () => {
    const { progress, clock, take } = stand(false);
    progress.status('checking: flavor');
    await clock.advance(4_999);
    progress.status('checking: image');
    expect(take()).toBe('');
    await clock.advance(1);
    progress.status('checking: key');
    progress.status('checking: zone');
    progress.status(null);
    expect(take()).toBe('checking: key\n');
  });

  it('a step is one line, and a status none', async () => {
    const { clock, progress, take } = stand(false);
    progress.status('checking');
    const step = progress.step('check');
    await clock.advance(500);
    expect(take()).toBe('');
    step.fail('hash differs');
    expect(take()).toBe('✗ check          hash differs\n');
  });

  it('a transfer is a line about every tenth, however small the pieces', () => {
    const { progress, take } = stand(false);
    const transfer = progress.transfer('upload', 1000);
    for (let bytes = 1; bytes <= 1000; bytes++) transfer.update(bytes);
    transfer.done();
    const lines = take().trimEnd().split('\n');
    expect(lines).toHaveLength(11);
    expect(lines[1]).toBe('  upload: 10 %  100 B of 1000 B');
    expect(lines[10]).toBe('✓ upload             0 ms  1000 B');
  });
});
