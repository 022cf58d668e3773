/** The page with a release of 8,000 load balancers that goes on: what is drawn, what the table says, how long frames are. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { tallyOf } from '../../src/core/releases/tallies.ts';
import type { TargetState } from '../../src/model/release.ts';
import { aRelease, aTarget } from '../kit/releases.ts';
import { makesPictures, takePictures } from './pictures.ts';
import { type BareStand, expectAccessible, expectInnocent, openBareStand, signIn } from './stand.ts';

const LONGEST_MS = 300_000;
vi.setConfig({ testTimeout: LONGEST_MS, hookTimeout: LONGEST_MS });

const FLEET = 8_000;
const id = randomUUID();
let stand: BareStand;
let firstMoved: string;
beforeAll(async () => {
  stand = await openBareStand();
  const { releases } = stand.cloud.harness.state;
  const atMs = Date.now();
  // As Glance has it, else the release is held for that.
  const image = await stand.cloud.dev.openstack.images.get(stand.cloud.dev.imageId);
  if (!image) throw new Error('the cloud has lost its image');
  const { hashAlgorithm: hashAlgo, hashValue: hash } = image;
  const base = aRelease(
    id,
    {
      image: { id: image.id, name: 'amphora-1', hashAlgo, hash, ownerId: image.owner ?? '' },
      targets: FLEET,
      lastWave: 4,
    },
    atMs,
  );
  const stateOf = (position: number): TargetState =>
    position === 700 ? 'failed' : position < 3_000 ? 'moved' : position < 3_020 ? 'moving' : 'pending';
  const ends = [3, 80, 400, 2_000, FLEET];
  const targets = Array.from({ length: FLEET }, (_, position) => {
    const state = stateOf(position);
    const verdict = state === 'moved' ? 'pass' : state === 'failed' ? 'fail' : null;
    const wave = ends.findIndex((end) => position < end);
    return aTarget(id, randomUUID(), { position, wave, state, verdict });
  });
  firstMoved = targets[0]?.loadBalancerId ?? '';
  await releases.create(
    {
      ...base,
      // Paused, so that nothing of it is decided anew: there are no such load balancers.
      progress: { ...base.progress, phase: 'rolling', wave: 4, failures: 1, intentRevision: 1 },
      intent: { want: 'pause', by: 'alice', atMs, reason: 'to be looked at', revision: 1 },
    },
    targets,
    tallyOf(targets),
    { atMs, actor: 'alice', kind: 'created', loadBalancerId: null, reason: '', data: {} },
  );
});
afterAll(() => stand?.close());

it('draws 8,000 squares, with a table that says the same, and goes to the one that is pointed at', async () => {
  const opened = await stand.open();
  const { page } = opened;
  await signIn(page, stand.cloud.dev.cloud.accounts.admin);
  await page.evaluate(`
    globalThis.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
    }).observe({ type: 'longtask', buffered: false });
  `);
  await page.goto(`${stand.url}#/releases/${id}`);
  const drawer = page.getByRole('dialog');
  const canvas = drawer.locator('.drawn canvas');
  await canvas.waitFor();
  await drawer.getByText('moved 2,999').waitFor();
  await drawer.getByText('pending 4,980').waitFor();
  // Two looks further on.
  await page.waitForResponse(/targets/);
  await page.waitForResponse(/targets/);
  // For people: the time depends on what else the machine does, and axe takes long.
  console.log(`longest task: ${Math.round(Number(await page.evaluate('globalThis.longest')))} ms`);
  if (makesPictures) {
    await drawer.getByRole('heading', { name: 'Waves' }).scrollIntoViewIfNeeded();
    await takePictures(page, 'canvas', 1200);
  }
  await drawer.getByText('Load balancers as a table').click();
  await drawer.getByLabel('In the state').selectOption('failed');
  const rowsOf = (state: string) =>
    drawer
      .getByRole('region', { name: `that are ${state}` })
      .locator('tbody tr')
      .count();
  await expect.poll(() => rowsOf('failed'), { timeout: 60_000 }).toBe(1);
  await drawer.getByLabel('In the state').selectOption('moved');
  await expect.poll(() => rowsOf('moved'), { timeout: 60_000 }).toBe(100);
  await expectAccessible(page, 'a release of 8,000');
  await canvas.click({ position: { x: 4, y: 4 } });
  await expect.poll(() => page.url(), { timeout: 60_000 }).toContain(`load-balancers/${firstMoved}`);
  await page.getByText('There is no such load balancer').waitFor();
  await expectInnocent(opened, stand.url);
  await opened.context.close();
});
