import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shareNextCall } from './share-next-call.ts';

/** Lets everything that is ready run. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A service that answers when asked to; each answer says when its call began. */
function service() {
  let clock = 0;
  const open: { startedAt: number; resolve(value: number): void; reject(error: Error): void }[] = [];
  let calls = 0;
  return {
    tick: () => ++clock,
    calls: () => calls,
    open,
    call: () => {
      calls++;
      const startedAt = ++clock;
      return new Promise<number>((resolve, reject) => open.push({ startedAt, resolve, reject }));
    },
  };
}

describe('shareNextCall', () => {
  it('a thousand callers at once cause two calls', async () => {
    const glance = service();
    const ask = shareNextCall(glance.call, () => 'k');
    const answers = Array.from({ length: 1000 }, () => ask(null));
    glance.open[0]?.resolve(1);
    await settle();
    glance.open[1]?.resolve(2);
    await Promise.all(answers);
    expect(glance.calls()).toBe(2);
  });
  it('does not wait for a call that is older than it has patience for', async () => {
    const glance = service();
    let nowMs = 0;
    const ask = shareNextCall(glance.call, () => 'k', { ms: 100, nowMs: () => nowMs });
    const hanging = ask(null);
    const follower = ask(null);
    expect(glance.calls()).toBe(1);
    nowMs = 101;
    const late = ask(null);
    expect(glance.calls()).toBe(2);
    glance.open[1]?.resolve(2);
    expect(await late).toBe(2);
    glance.open[0]?.reject(new Error('no answer'));
    await expect(hanging).rejects.toThrow('no answer');
    await settle();
    glance.open[2]?.resolve(3);
    expect(await follower).toBe(3);
  });
  it('keeps nothing once nobody waits', async () => {
    const glance = service();
    const ask = shareNextCall(glance.call, () => 'k');
    for (const n of [0, 1, 2]) {
      const answer = ask(null);
      glance.open[n]?.resolve(n);
      expect(await answer).toBe(n);
      await settle();
    }
    expect(glance.calls()).toBe(3);
  });
  it('keeps different questions apart', async () => {
    const glance = service();
    const ask = shareNextCall(glance.call, (key: string) => key);
    void ask('a');
    void ask('b');
    expect(glance.calls()).toBe(2);
  });
  it('shares a failure, and the next caller asks anew', async () => {
    const glance = service();
    const ask = shareNextCall(glance.call, () => 'k');
    const first = ask(null);
    const [second, third] = [ask(null), ask(null)];
    glance.open[0]?.reject(new Error('down'));
    await expect(first).rejects.toThrow('down');
    await settle();
    glance.open[1]?.reject(new Error('still down'));
    await expect(second).rejects.toThrow('still down');
    await expect(third).rejects.toThrow('still down');
    await settle();
    const fourth = ask(null);
    glance.open[2]?.resolve(7);
    expect(await fourth).toBe(7);
  });
  it('never gives an answer that was asked for before the question, with at most one call open', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('ask', 'answer', 'fail'), { maxLength: 60 }), async (script) => {
        const glance = service();
        const ask = shareNextCall(glance.call, () => 'k');
        const waiting: Promise<void>[] = [];
        let answered = 0;
        for (const act of [...script, ...Array(4).fill('answer')] as string[]) {
          if (act === 'ask') {
            const askedAt = glance.tick();
            waiting.push(
              ask(null).then(
                (startedAt) => expect(startedAt).toBeGreaterThan(askedAt),
                (error: Error) => expect(Number(error.message)).toBeGreaterThan(askedAt),
              ),
            );
          } else {
            const call = glance.open[answered];
            if (call) {
              answered++;
              if (act === 'answer') call.resolve(call.startedAt);
              else call.reject(new Error(String(call.startedAt)));
            }
            await settle();
          }
          expect(glance.open.length - answered).toBeLessThanOrEqual(1);
        }
        await Promise.all(waiting);
        const asks = script.filter((act) => act === 'ask').length;
        expect(glance.calls()).toBeLessThanOrEqual(asks);
      }),
    );
  });
});
