import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createReleaseStore } from '../../src/adapters/storage/release-store.ts';
import { tallyOf } from '../../src/core/releases/tallies.ts';
import { shareReleaseReads } from '../../src/services/share-release-reads.ts';
import { openStoredApiHarness, type StoredApiHarness } from '../kit/api.ts';
import { aRelease, aTarget } from '../kit/releases.ts';

/** What web pages that stay open at a release of 8,000 load balancers cost the database. */

const FLEET = 8_000;
const PAGES = 6;
const SECONDS = 15;
/** Of an open page: src/ui/polled.ts. */
const PAGE_EVERY_MS = 5_000;
/** Of kiln serve: src/main/roles/api-deps.ts. */
const SHARED_MS = 5_000;
const MOST_STATEMENTS_A_SECOND = 5;

let bench: StoredApiHarness;
const id = randomUUID();
beforeEach(async () => {
  bench = await openStoredApiHarness(
    {},
    { around: (deps) => ({ ...deps, releases: shareReleaseReads(deps.releases, deps.clock, SHARED_MS) }) },
  );
  const release = aRelease(id, { targets: FLEET, lastWave: 3 });
  const targets = Array.from({ length: FLEET }, (_, position) =>
    aTarget(id, randomUUID(), { position, wave: Math.floor((position * 4) / FLEET) }),
  );
  const event = { atMs: 1, actor: 'alice', kind: 'created', loadBalancerId: null, reason: '', data: {} } as const;
  await createReleaseStore(bench.database, bench.deps.clock).create(release, targets, tallyOf(targets), event);
});
afterEach(() => bench.close());

/** What one look of the page at a release asks for. @returns how many load balancers it got. */
async function look(): Promise<number> {
  await bench.call('GET', '/v2/kiln/releases?limit=50');
  await bench.call('GET', `/v2/kiln/releases/${id}`);
  await bench.call('GET', `/v2/kiln/releases/${id}/events?limit=1000&after=0`);
  let count = 0;
  for (let marker = ''; ; ) {
    const { body } = await bench.call('GET', `/v2/kiln/releases/${id}/targets?limit=1000${marker}`);
    count += body.targets.length;
    const last = body.targets.at(-1);
    if (body.targets.length < 1000) return count;
    marker = `&marker=${last.wave}.${last.position}`;
  }
}

it('is no more than five statements a second, however many they are', async () => {
  expect(await look()).toBe(FLEET);
  const before = bench.statements();
  for (let step = 0; step < (SECONDS * 1000) / PAGE_EVERY_MS; step++) {
    for (let page = 0; page < PAGES; page++) {
      // Pages look at different moments.
      await bench.deps.clock.sleep(PAGE_EVERY_MS / PAGES);
      await look();
    }
  }
  const each = (bench.statements() - before) / SECONDS;
  expect(each).toBeGreaterThan(0);
  expect(each).toBeLessThanOrEqual(MOST_STATEMENTS_A_SECOND);
});

it('shows at once what came of a word', async () => {
  const { body } = await bench.call('GET', `/v2/kiln/releases/${id}`);
  const { revision } = body.release.intent;
  await bench.call('PUT', `/v2/kiln/releases/${id}/intent`, { want: 'pause', reason: 'lunch', revision });
  const after = await bench.call('GET', `/v2/kiln/releases/${id}`);
  expect(after.body.release.intent.want).toBe('pause');
});
