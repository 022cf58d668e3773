/**
 * A release from the page: an image is chosen, its plan looked at, started, paused, resumed, approved and rolled back, all of it
 * clicked, on an embedded cloud whose amphorae are replaced for real.
 */

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type BareStand, expectAccessible, hostile, openBareStand, signIn } from './stand.ts';

const LONGEST_MS = 600_000;
/** What the cloud does takes as long as the machine takes. */
const patiently = { timeout: LONGEST_MS };
vi.setConfig({ testTimeout: LONGEST_MS, hookTimeout: LONGEST_MS });

let stand: BareStand;
let imageId: string;
beforeAll(async () => {
  stand = await openBareStand({ OS_HEALTH_MANAGER__HEARTBEAT_INTERVAL: '3' });
  imageId = await stand.cloud.dev.push('amphora-2');
  const ids = await Promise.all(['one', 'two'].map(create));
  for (const id of ids) await stand.demo.active(id);
}, LONGEST_MS);
afterAll(() => stand?.close());

const create = (name: string) => stand.demo.create({ name, vip_subnet_id: stand.cloud.harness.vipSubnetId });

/** Presses one of the release's buttons, and says why. */
async function tell(page: Page, word: string, reason: string): Promise<void> {
  await page.getByRole('button', { name: `${word}…` }).click(patiently);
  const question = page.getByRole('dialog', { name: `${word}?` });
  await question.getByLabel('Why').fill(reason);
  await question.getByRole('button', { name: `${word} it` }).click();
  await question.waitFor({ state: 'detached' });
}

it('is planned, started, paused, resumed, approved and rolled back from the page', async () => {
  const { page, complaints } = await stand.open();
  await page.goto(`${stand.url}#/releases`);
  await signIn(page, stand.cloud.dev.cloud.accounts.admin);
  await page.getByText('There is no release yet').waitFor();
  await page.getByRole('link', { name: 'New release…' }).click();

  const start = page.getByRole('dialog', { name: 'New release' });
  await start.getByLabel('Tag: whose load balancers').waitFor();
  await expectAccessible(page, 'new release');
  await start.getByLabel('Image', { exact: true }).selectOption(imageId);
  await start.getByLabel(/^Canary/).fill('1');
  await start.getByLabel(/^Waves/).fill('50, 100');
  await start.getByLabel(/^Waits for a word/).fill('0 1');
  await start.getByText('More: times').click();
  for (const field of ['Measured before a wave', 'After a move', 'Pause behind the canary', 'Pause behind each wave']) {
    await start.getByLabel(new RegExp(`^${field}`)).fill('0');
  }
  await start.getByLabel(/^Then watched/).fill('4');
  await start.getByLabel(/^Maintenance windows/).fill('at night');
  const show = start.getByRole('button', { name: 'Show the plan' });
  await show.click();
  await start.getByRole('alert').getByText('duration_minutes').waitFor();
  await start.getByLabel(/^Maintenance windows/).fill('');
  await show.focus();
  await page.keyboard.press('Enter');
  const plan = start.getByRole('region', { name: 'Plan', exact: true });
  await plan.getByText('2 load balancers', { exact: true }).waitFor();
  await plan.getByText(/2 with one amphora/).waitFor();
  await plan.getByRole('row', { name: /^canary 1 0/ }).waitFor();
  await expectAccessible(page, 'plan');

  // The world moves between plan and start.
  await stand.demo.active(await create('three'));
  const begin = start.getByRole('button', { name: 'Start this release…' });
  await begin.click();
  const sure = page.getByRole('dialog', { name: 'Start the release?' });
  await sure.getByLabel('Why').fill(hostile);
  await sure.getByRole('button', { name: 'Start it' }).click();
  await sure.getByRole('alert').getByText('the plan is out of date').waitFor();
  await sure.getByRole('button', { name: 'Leave it' }).click();
  await start.getByRole('button', { name: 'Plan again' }).click();
  await plan.getByText('3 load balancers', { exact: true }).waitFor();
  await begin.click();
  await sure.getByLabel('Why').fill(hostile);
  await sure.getByRole('button', { name: 'Start it' }).click();

  const drawer = page.getByRole('dialog', { name: 'amphora-2' });
  await drawer.getByText('0 of 3').waitFor();
  await drawer.getByText(hostile, { exact: true }).waitFor();
  await tell(page, 'Pause', 'lunch');
  await drawer.getByText('paused by admin: lunch').waitFor(patiently);
  await tell(page, 'Resume', 'lunch is over');
  await drawer.getByText('the canary is done').waitFor(patiently);
  await drawer.getByText('1 of 3').waitFor();
  await expectAccessible(page, 'held release');
  await tell(page, 'Approve', 'the canary is well');
  await drawer.getByText('wave 1 is done').waitFor(patiently);
  await drawer.getByRole('button', { name: 'Roll back…' }).click();
  await page
    .getByRole('dialog', { name: 'Roll back?' })
    .getByText(/^2 load balancers to/)
    .waitFor();
  await page.getByRole('button', { name: 'Leave it' }).click();
  await tell(page, 'Roll back', 'not today');
  await drawer.locator('.facts').getByText('rolled-back').waitFor(patiently);
  await drawer.getByText('0 of 3').waitFor();
  await drawer.getByRole('button', { name: 'Pause…' }).waitFor({ state: 'detached' });
  expect(complaints).toEqual([]);
  expect(await page.evaluate('globalThis.planted ?? null')).toBeNull();
});
