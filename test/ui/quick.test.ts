/** The page in short: signing in, each view, and markup planted in whatever is shown. Nothing in it is a stand-in but rows to look at. */

import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { expectAccessible, expectInnocent, type OpenPage, openUiStand, plant, signIn, type UiStand } from './stand.ts';

const LONGEST_MS = 300_000;
vi.setConfig({ testTimeout: LONGEST_MS, hookTimeout: LONGEST_MS });

let stand: UiStand;
let planted: Awaited<ReturnType<typeof plant>>;
let opened: OpenPage;
/** Reads of the API by the page, by how old the answer may be. */
const freshness = new Set<string | undefined>();
beforeAll(async () => {
  stand = await openUiStand();
  planted = await plant(stand);
  opened = await stand.open();
  opened.page.on('request', (request) => {
    const isPolled = request.method() === 'GET' && !/permissions|events\?/.test(request.url());
    if (isPolled && request.url().includes('/v2/')) freshness.add(request.headers()['cache-control']);
  });
  await signIn(opened.page, stand.cloud.dev.cloud.accounts.admin);
}, LONGEST_MS);
afterAll(() => stand?.close());

/** View → what is there once it has all, and how often at least the planted text is in it. */
const views: readonly [view: string, hash: () => string, ready: string, times: number][] = [
  ['attention', () => 'attention', 'Pairs of two images', 1],
  ['fleet', () => 'fleet', 'History of the tags', 3],
  ['releases', () => 'releases', 'New release…', 2],
  ['a new release', () => 'releases/new', 'Show the plan', 1],
  ['a release', () => `releases/${planted.releaseId}`, 'Waves', 6],
  ['load balancers', () => 'load-balancers', 'Next page', 1],
  ['a load balancer', () => `load-balancers/${stand.hostileId}`, 'Listener HTTP 8081', 5],
  ['operations', () => 'operations?which=all', 'create-load-balancer', 0],
  ['an operation', () => `operations/${planted.operationId}`, 'Journal', 7],
  ['events', () => 'events', 'is asked for', 4],
  ['an amphora', () => `amphorae/${planted.amphoraId}`, 'Last heartbeat', 2],
];

it.each(views)(
  'shows %s; what is planted in it stays text; axe-core finds nothing',
  async (view, hash, ready, times) => {
    const { page } = opened;
    await page.goto(`${stand.url}#/${hash()}`);
    await page.getByText(ready).first().waitFor();
    // The end of what is planted in every field; what could turn text around is shown as such where it stands in a sentence.
    const found = () => page.getByText(/globalThis\.planted=1.*evil/).count();
    await expect.poll(found, { timeout: 60_000 }).toBeGreaterThanOrEqual(times);
    expect(await page.locator('main img, dialog img, main script, dialog script').count()).toBe(0);
    await expectAccessible(page, view);
    await expectInnocent(opened, stand.url);
  },
);

it('has asked for what all pages share', () => {
  expect([...freshness]).toEqual(['max-age=5']);
});
