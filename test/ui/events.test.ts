/**
 * Events as they happen, on an embedded cloud without load balancers: the filter, a list that is held still, a server that is
 * restarted, a token that ends; and what holds for every view: the keyboard, the reader's zone, motion, large screens.
 */

import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { madeUpFlow } from '../kit/made-up-flow.ts';
import {
  type BareStand,
  expectAccessible,
  expectInnocent,
  hostile,
  type OpenPage,
  openBareStand,
  revoke,
  signIn,
} from './stand.ts';

const LONGEST_MS = 300_000;
vi.setConfig({ testTimeout: LONGEST_MS, hookTimeout: LONGEST_MS });

let stand: BareStand;
beforeAll(async () => {
  stand = await openBareStand();
}, LONGEST_MS);
afterAll(() => stand?.close());

const admin = () => stand.cloud.dev.cloud.accounts.admin;

/** Of a flow that no worker knows: it is asked for, and stays so. */
async function happens(flow: string): Promise<void> {
  const loadBalancerId = randomUUID();
  await stand.cloud.harness.state.journal.enqueue({
    id: randomUUID(),
    flow: madeUpFlow(flow),
    subject: loadBalancerId,
    input: { loadBalancerId },
    priority: 0,
  });
}

async function withPage(
  use: (opened: OpenPage) => Promise<void>,
  options: Parameters<BareStand['open']>[0] = {},
): Promise<void> {
  const opened = await stand.open(options);
  try {
    await use(opened);
    await expectInnocent(opened, stand.url);
  } finally {
    await opened.context.close();
  }
}

const go = (page: Page, hash: string) => page.goto(`${stand.url}${hash}`);
const row = (page: Page, text: string) => page.getByRole('row').filter({ hasText: text });

it('shows what happens as it happens, filtered, and held still', () =>
  withPage(async ({ page }) => {
    await happens('before-the-page');
    await go(page, '#/events');
    await signIn(page, admin());
    await row(page, 'before-the-page is asked for').waitFor();
    await happens(hostile);
    await row(page, 'onerror=').waitFor();
    await page.getByRole('status').getByText('Newest event').waitFor();
    await expectAccessible(page, 'events');
    await page.getByRole('searchbox').fill('BEFORE-the');
    await page.keyboard.press('Enter');
    await row(page, 'onerror=').waitFor({ state: 'detached' });
    expect(await row(page, 'is asked for').count()).toBe(1);
    expect(page.url()).toContain('q=BEFORE-the');
    await page.getByRole('combobox', { name: 'Source' }).selectOption('tag');
    await page.getByText('No event is like that.').waitFor();
    await go(page, '#/events');
    await page.getByRole('button', { name: 'Hold still' }).click();
    await happens('while-it-is-held');
    const goOn = page.getByRole('button', { name: 'Go on (1 new)' });
    await goOn.waitFor();
    expect(await row(page, 'while-it-is-held').count()).toBe(0);
    await goOn.click();
    await row(page, 'while-it-is-held').waitFor();
  }));

it('shows the newest first, and more where that is asked for', () =>
  withPage(async ({ page }) => {
    for (let count = 0; count < 60; count++) await happens(`many-${count}`);
    await go(page, '#/events');
    await signIn(page, admin());
    await row(page, 'many-59').waitFor();
    expect(await page.locator('tbody tr').count()).toBe(50);
    await page.getByRole('button', { name: /^Show more of/ }).click();
    await row(page, 'many-0 is asked for').waitFor();
    expect(await page.locator('tbody tr').count()).toBeGreaterThan(59);
  }));

it('tells who listens what happens, no more often than every five seconds', () =>
  withPage(async ({ page }) => {
    await go(page, '#/events');
    await signIn(page, admin());
    await page.evaluate(`(() => {
      globalThis.spokenAt = [];
      const status = document.querySelector('[role=status]');
      let before = status.textContent;
      new MutationObserver(() => {
        if (status.textContent === before) return;
        before = status.textContent;
        spokenAt.push(performance.now());
      }).observe(status, { childList: true, characterData: true, subtree: true });
    })()`);
    const spoken = () => page.evaluate('globalThis.spokenAt') as Promise<number[]>;
    for (let count = 0; (await spoken()).length < 3; count++) {
      await happens(`one-of-many-${count}`);
      await page.waitForTimeout(300);
    }
    const times = await spoken();
    // Between what is said and what is seen to be said lies the browser's own time.
    for (const [index, at] of times.slice(1).entries()) expect(at - (times[index] ?? 0)).toBeGreaterThan(4_000);
  }));

it('goes on behind a server that is restarted, and says so; asks to sign in again where the token has ended meanwhile', () =>
  withPage(async ({ page }) => {
    await go(page, '#/events');
    await signIn(page, admin());
    await happens('before-the-restart');
    await row(page, 'before-the-restart').waitFor();
    const start = await stand.restart();
    await page.getByRole('status').getByText('The server does not answer').waitFor();
    await happens('while-it-is-down');
    await start();
    await page.getByText('The server answers again.').first().waitFor();
    await row(page, 'while-it-is-down').waitFor();
    expect(await row(page, 'before-the-restart').count()).toBe(1);
  }));

it('asks to sign in again where the token has ended, and comes back to the same place', () =>
  withPage(async ({ page }) => {
    await go(page, '#/events?source=operation');
    const answer = page.waitForResponse(/sign-in/);
    await signIn(page, admin());
    const { token } = (await (await answer).json()) as { token: string };
    await row(page, 'before-the-restart').waitFor();
    await revoke(stand.cloud, token);
    // A stream lasts a minute at most.
    await page.getByText('Your session has ended').waitFor({ timeout: 120_000 });
    await signIn(page, admin());
    await row(page, 'before-the-restart').waitFor();
    expect(page.url()).toContain('source=operation');
  }));

it('is signed in to, walked through and steered with the keyboard alone', () =>
  withPage(async ({ page }) => {
    const { userName, password } = admin();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await tabTo(page, 'User');
    await page.keyboard.type(userName);
    await tabTo(page, 'Password');
    await page.keyboard.type(password);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    await tabTo(page, 'Releases');
    await page.keyboard.press('Enter');
    await page.getByText('There is no release yet').waitFor();
    await tabTo(page, 'New release…');
    await page.keyboard.press('Enter');
    const start = page.getByRole('dialog', { name: 'New release' });
    await start.getByLabel('Tag: whose load balancers').waitFor();
    await tabTo(page, 'Image');
    await page.keyboard.press('ArrowDown');
    await tabTo(page, 'Show the plan');
    await page.keyboard.press('Enter');
    await start.getByText('There is nothing to do').waitFor();
    await page.keyboard.press('Escape');
    await start.waitFor({ state: 'detached' });
    await page.getByText('There is no release yet').waitFor();
  }));

it('has times in the reader’s zone, nothing that moves for who wants none, and fits a large screen', () =>
  withPage(
    async ({ page }) => {
      await go(page, '#/events');
      await signIn(page, admin());
      const time = page.locator('time').first();
      await time.waitFor();
      const [shown, utc] = [(await time.textContent()) ?? '', (await time.getAttribute('title')) ?? ''];
      const [, hour, rest] = /(\d\d)(:\d\d:\d\d) UTC$/.exec(utc) ?? [];
      // Tokyo is nine hours ahead.
      expect(shown).toContain(rest);
      expect(
        [`${(Number(hour) + 9) % 24}`, `${(Number(hour) + 9) % 12 || 12}`].map((one) => one.padStart(2, '0')),
      ).toContain(/(\d\d):\d\d:\d\d/.exec(shown)?.[1]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(3840);
      const animation = () =>
        page.evaluate(`getComputedStyle(document.querySelector('dialog.drawer')).animationName`) as Promise<string>;
      await go(page, '#/releases/new');
      await page.getByRole('dialog').waitFor();
      expect(await animation()).toBe('none');
      await page.emulateMedia({ reducedMotion: 'no-preference' });
      expect(await animation()).toBe('slide-in');
      await expectAccessible(page, 'large');
    },
    { viewport: { width: 3840, height: 2160 }, reducedMotion: 'reduce' },
  ));

/** Presses Tab until what has this name has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  const focused = () =>
    page.evaluate(`(() => {
      const at = document.activeElement;
      return (at?.labels?.[0]?.textContent ?? at?.textContent ?? '').trim();
    })()`) as Promise<string>;
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab');
    if ((await focused()) === name) return;
  }
  throw new Error(`Tab does not lead to ${name}`);
}
