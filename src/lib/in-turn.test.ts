import { describe, expect, it } from 'vitest';
import { createTurn, createTurns } from './in-turn.ts';

/** An action that ends when it is told to, and notes when it begins. */
function action(began: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const run = () => {
    began.push(name);
    return promise;
  };
  return { run, end: () => resolve(name), fail: () => reject(new Error(name)) };
}
const later = () => new Promise((resolve) => setImmediate(resolve));

describe('actions in turn', () => {
  it('begin when the one before has ended, also by a failure', async () => {
    const began: string[] = [];
    const inTurn = createTurn();
    const [one, two] = [action(began, 'one'), action(began, 'two')];
    const first = inTurn(one.run);
    const second = inTurn(two.run);
    await later();
    expect(began).toEqual(['one']);
    one.fail();
    await expect(first).rejects.toThrow('one');
    await later();
    expect(began).toEqual(['one', 'two']);
    two.end();
    expect(await second).toBe('two');
  });

  it('wait for those of their own name alone', async () => {
    const began: string[] = [];
    const inTurn = createTurns();
    const [a, b, other] = [action(began, 'a'), action(began, 'b'), action(began, 'other')];
    const all = [inTurn('x', a.run), inTurn('x', b.run), inTurn('y', other.run)];
    await later();
    expect(began).toEqual(['a', 'other']);
    for (const one of [a, b, other]) one.end();
    expect(await Promise.all(all)).toEqual(['a', 'b', 'other']);
  });
});
