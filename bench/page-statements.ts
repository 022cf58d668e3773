import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { createSystemClock } from '../src/adapters/clock/system-clock.ts';
import { openDatabase } from '../src/adapters/storage/database.ts';
import { createLoadBalancerStore } from '../src/adapters/storage/load-balancer-store.ts';
import { createReleaseStore } from '../src/adapters/storage/release-store.ts';
import { createUiFiles } from '../src/adapters/ui/files.ts';
import { shareReleaseReads } from '../src/services/share-release-reads.ts';
import { openStoredApiHarness, ownProject, type StoredApiHarness } from '../test/kit/api.ts';
import { sqliteIn } from '../test/kit/sqlite.ts';
import { storedListener, storedLoadBalancer, storedMember, storedPool } from '../test/kit/stored-resources.ts';
import { CHANGES_A_SECOND, moveOn, startRelease } from './page-release.ts';
import type { Figure } from './report.ts';

/** As `kiln serve` shares what it reads of releases: src/main/roles/api-deps.ts. */
const SHARED_MS = 5_000;
const SETTLE_MS = 3_000;
const LOAD_BALANCERS = 60;

/** What open pages cost the database, by view: the real pages, an API in this process that counts, a database of its own. */
export async function countStatements(
  browser: Browser,
  options: { numbers: readonly number[]; seconds: number },
): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-bench-page-'));
  const connection = await sqliteIn(folder);
  const { harness, url } = await serve(connection);
  // What moves the release on is not counted.
  const other = await openDatabase(connection, harness.deps.clock);
  const { id: releaseId, targets } = await startRelease(createReleaseStore(other, harness.deps.clock));
  const loadBalancerId = await fill(harness);
  const moving = new AbortController();
  const moved = moveOn(other, targets, CHANGES_A_SECOND, moving.signal);
  try {
    const views = {
      'load balancers': 'load-balancers',
      'a load balancer': `load-balancers/${loadBalancerId}`,
      operations: 'operations?which=all',
      'a release of 8,000 that goes on': `releases/${releaseId}`,
      events: 'events',
    };
    const figures: Figure[] = [];
    const pages: Page[] = [];
    for (const number of options.numbers) {
      while (pages.length < number) pages.push(await openPage(browser, url));
      for (const [view, hash] of Object.entries(views)) {
        for (const page of pages) await page.goto(`${url}#/${hash}`);
        await pause(SETTLE_MS);
        const before = harness.statements();
        await pause(options.seconds * 1000);
        const each = (harness.statements() - before) / options.seconds;
        figures.push({ what: `${view}: statements a second, ${number} open`, value: each.toFixed(1) });
      }
    }
    for (const page of pages) await page.context().close();
    return figures;
  } finally {
    moving.abort();
    await moved;
    await other.destroy();
    await harness.close();
    rmSync(folder, { recursive: true });
  }
}

async function serve(connection: string): Promise<{ harness: StoredApiHarness; url: string }> {
  const clock = createSystemClock();
  const signIn = async () => ({
    token: 'of-the-bench',
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    project: { id: ownProject, name: 'bench' },
    projects: [],
  });
  const harness = await openStoredApiHarness(
    { ui: { files: createUiFiles(), signIn: { signIn }, clock } },
    {
      connection,
      clock,
      around: (deps) => ({ ...deps, releases: shareReleaseReads(deps.releases, clock, SHARED_MS) }),
    },
  );
  await harness.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = harness.app.server.address() as AddressInfo;
  return { harness, url: `http://127.0.0.1:${port}/ui/` };
}

/** @returns one of them, with a listener, a pool and a member. */
async function fill({ database, deps }: StoredApiHarness): Promise<string> {
  const store = createLoadBalancerStore(database, deps.clock);
  const ids = Array.from({ length: LOAD_BALANCERS }, () => randomUUID());
  for (const [index, id] of ids.entries()) {
    const [listenerId, poolId] = [randomUUID(), randomUUID()];
    await store.apply({
      loadBalancerId: id,
      mutableFrom: [],
      rows: [
        { kind: 'loadbalancer', put: storedLoadBalancer(id, { name: `web-${index}`, projectId: ownProject }) },
        { kind: 'pool', put: storedPool(poolId, id) },
        { kind: 'listener', put: storedListener(listenerId, id, { defaultPoolId: poolId }) },
        { kind: 'member', put: storedMember(randomUUID(), poolId) },
      ],
      operation: null,
    });
  }
  return ids[0] ?? '';
}

async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  await page.getByLabel('User', { exact: true }).fill('bench');
  await page.getByLabel('Password', { exact: true }).fill('any');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  return page;
}
