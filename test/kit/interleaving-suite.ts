/** The cases of `interleaving.ts`, for any database. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Interleaving, openInterleavings } from './interleaving.ts';
import { operationsOf } from './openapi.ts';
import { writeRequests } from './write-requests.ts';

/** At each wait a part of the others, another part at each. */
const PARTS = 6;
/** What only reads, and what is about an operation or a release (api-release-instructions.test.ts), not about a load balancer as it is. */
const outside: ReadonlySet<string> = new Set([
  '/v2/kiln/releases',
  '/v2/kiln/releases/plan',
  '/v2/kiln/releases/{id}/intent',
  '/v2/kiln/operations/{id}/abort',
]);
/** On a machine that does much else. */
const LONGEST_MS = 300_000;

/**
 * Every write operation of the OpenAPI document with every other, by two processes' connections, the second at every wait of
 * the first: nothing is reverted, and nothing that is gone comes back.
 * @param options.partsAtLast into how many parts the others are cut at the last wait, before the first one writes; 1: all.
 */
export function describeInterleavings(
  name: string,
  options: { partsAtLast: number; open(): ReturnType<typeof openInterleavings> },
): void {
  const { partsAtLast } = options;
  describe(`interleaved writes: ${name}`, () => {
    let harness: Awaited<ReturnType<typeof openInterleavings>>;
    beforeAll(async () => {
      harness = await options.open();
    });
    afterAll(() => harness?.close());

    it('has every write operation of the API in it', async () => {
      await harness.operations().ready();
      const there = operationsOf(harness.operations().openApi())
        .filter(({ method, path }) => method !== 'GET' && !outside.has(path))
        .map(({ method, path }) => `${method} ${path}`);
      expect([...new Set(Object.values(writeRequests).map(({ operation }) => operation))].toSorted()).toEqual(
        there.toSorted(),
      );
    });

    describe('while anything else is changed', () => {
      /** What became of two requests one after the other: a pair is asked for it in both orders. */
      const inTurns = new Map<string, Promise<Interleaving>>();
      function inTurn(former: string, latter: string): Promise<Interleaving> {
        const key = `${former} → ${latter}`;
        const known = inTurns.get(key) ?? harness.inTurn(requestOf(former), requestOf(latter));
        inTurns.set(key, known);
        return known;
      }
      const requestOf = (name: string) => writeRequests[name] ?? expect.unreachable(name);

      for (const [name, first] of Object.entries(writeRequests)) {
        it(name, { timeout: LONGEST_MS }, async () => {
          const waits = await harness.waitsOf(first);
          const others = Object.entries(writeRequests).filter(([, { about }]) => about === first.about);
          for (const [index, [otherName, second]] of others.entries()) {
            let before: Interleaving | null = null;
            for (const [wait, what] of waits.entries()) {
              if ((index + wait) % (wait === waits.length - 1 ? partsAtLast : PARTS) !== 0) continue;
              const mixed = await harness.interleaved(first, second, wait);
              before ??= await inTurn(otherName, name);
              const expected = { first: before.second, second: before.first, left: before.left };
              // Neither waited for the other's end, so that either may count as the first.
              if (same(mixed, expected)) continue;
              expect(mixed, `${name}, before ${what}: ${otherName}`).toEqual(await inTurn(name, otherName));
            }
          }
        });
      }
    });

    it('an operation that ends takes no change that was let in meanwhile with it', {
      timeout: LONGEST_MS,
    }, async () => {
      for (const [name, request] of Object.entries(writeRequests)) {
        const [between, before, after] = await inOrder(['between', 'before', 'after'] as const, async (when) => {
          const { asked, left } = await harness.duringAnEnd(request, when);
          return [asked.status < 300, left];
        });
        if (JSON.stringify(between) !== JSON.stringify(after)) expect(between, name).toEqual(before);
      }
    });
  });
}

async function inOrder<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}

const same = (one: Interleaving, other: Interleaving) => JSON.stringify(one) === JSON.stringify(other);
