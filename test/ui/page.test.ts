/**
 * The page in Debian's Chromium, over an embedded cloud whose `kiln serve` is a process of its own: signing in, each view, a
 * tenant, hostile names, a token that ends, a server that is restarted. Nothing in it is a stand-in.
 */

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startKiln } from '../kit/kiln-process.ts';
import { makesPictures, takePictures } from './pictures.ts';
import {
  expectAccessible,
  expectInnocent,
  hostile,
  type OpenPage,
  openUiStand,
  revoke,
  signIn,
  type UiStand,
} from './stand.ts';

const LONGEST_MS = 300_000;
vi.setConfig({ testTimeout: LONGEST_MS, hookTimeout: LONGEST_MS });

let stand: UiStand;
/** One page for all that an administrator does; whoever needs it signs in. */
let admin: OpenPage;
beforeAll(async () => {
  stand = await openUiStand();
  admin = await stand.open();
}, LONGEST_MS);
afterAll(() => stand?.close());

const accounts = () => stand.cloud.dev.cloud.accounts;

/** A page of its own. */
async function withPage(
  use: (opened: OpenPage) => Promise<void>,
  options: Parameters<UiStand['open']>[0] = {},
): Promise<void> {
  const opened = await stand.open(options);
  try {
    await use(opened);
    await expectInnocent(opened, stand.url);
  } finally {
    await opened.context.close();
  }
}

/** As `kiln serve` notes that too many were silent at once; it stays so while one is. */
async function openBreaker(isOpen: boolean): Promise<void> {
  const open = { open_since: new Date().toISOString(), silent_count: 12, threshold: 1 };
  await stand.cloud.harness.state.database
    .updateTable('kiln_circuit_breaker')
    .set(isOpen ? open : { open_since: null, silent_count: null, threshold: null })
    .execute();
}

/** At a view, signed in as an administrator, with nothing open. */
async function asAdmin(view: string, use: (page: Page) => Promise<void>): Promise<void> {
  const { page } = admin;
  await go(page, `#/${view}`);
  if (await page.getByRole('button', { name: 'Sign in' }).isVisible()) await signIn(page, accounts().admin);
  await page.getByRole('button', { name: 'Sign out', includeHidden: true }).waitFor();
  await use(page);
  await expectInnocent(admin, stand.url);
}

/** Also on a machine that does much else. */
const patience = { timeout: 60_000 };
const go = (page: Page, hash: string) => page.goto(`${stand.url}${hash}`);
const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name });

describe('signing in', () => {
  it('refuses a wrong password in words, lets in a right one, and keeps the token nowhere', () =>
    withPage(async ({ page, context }) => {
      await heading(page, 'Kiln').waitFor();
      await expectAccessible(page, 'sign-in');
      await page.getByLabel('User', { exact: true }).fill('admin');
      await page.getByLabel('Password', { exact: true }).fill('wrong');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').getByText('Keystone does not know this user').waitFor();
      await signIn(page, accounts().admin);
      await heading(page, 'Attention').waitFor();
      const kept = await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])');
      expect(kept).toBe('[{},{},""]');
      expect(await context.cookies()).toEqual([]);
      await page.reload();
      await page.getByRole('button', { name: 'Sign in' }).waitFor();
    }));

  it('takes an application credential', () =>
    withPage(async ({ page }) => {
      const { id, secret } = await applicationCredential();
      await page.getByLabel('an application credential').check();
      await page.getByLabel('ID of the application credential').fill(id);
      await page.getByLabel('Secret').fill(secret);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await heading(page, 'Load balancers').waitFor();
    }));

  it('comes back to the same place when the token has ended', () =>
    withPage(async ({ page }) => {
      const answer = page.waitForResponse(/sign-in/);
      await signIn(page, accounts().admin);
      const { token } = (await (await answer).json()) as { token: string };
      await go(page, '#/operations?which=all');
      await heading(page, 'Operations').waitFor();
      await page.getByRole('table').waitFor();
      await revoke(stand.cloud, token);
      await page.getByText('Your session has ended').waitFor();
      await signIn(page, accounts().admin);
      await heading(page, 'Operations').waitFor();
      await page.getByRole('link', { name: 'All that are kept' }).waitFor();
      expect(page.url()).toContain('which=all');
    }));
});

async function showPlan(page: Page): Promise<void> {
  const start = page.getByRole('dialog', { name: 'New release' });
  await start.getByLabel('Image', { exact: true }).selectOption(stand.cloud.dev.imageId);
  await start.getByRole('button', { name: 'Show the plan' }).click();
  await start.getByRole('region', { name: 'Plan', exact: true }).waitFor();
}

it.runIf(makesPictures)('is drawn, in light and dark', async () => {
  const views: Record<string, { hash: string; height?: number }> = {
    attention: { hash: 'attention', height: 1000 },
    fleet: { hash: 'fleet', height: 1000 },
    'load-balancer': { hash: `load-balancers/${stand.workingId}`, height: 1000 },
    operations: { hash: 'operations?which=all' },
    release: { hash: `releases/${stand.releaseId}`, height: 1340 },
    plan: { hash: 'releases/new', height: 1000 },
    events: { hash: 'events' },
  };
  for (const [name, { hash, height }] of Object.entries(views)) {
    await asAdmin(hash, async (page) => {
      await page.locator('.card h2, table, .facts, select').first().waitFor();
      if (name === 'plan') await showPlan(page);
      await takePictures(page, name, height);
    });
  }
  await withPage(async ({ page }) => {
    await signIn(page, accounts().demo);
    await page.getByRole('table').waitFor();
    await takePictures(page, 'tenant');
  });
});

/** In another window somebody was asked why, and has not answered yet. */
async function colleagueAsked(view: string, word: string) {
  const { page, context } = await stand.open();
  await signIn(page, accounts().admin);
  await go(page, `#/${view}`);
  await page.getByRole('button', { name: `${word}…` }).click();
  const question = page.getByRole('dialog', { name: `${word}?` });
  await question.getByLabel('Why').fill('it looks fine from here');
  return {
    /** What they were asked is out of date: they are reported so, and see what is so now. */
    async isRefused() {
      await question.getByRole('button', { name: `${word} it` }).click();
      const refusal = (await question.getByRole('alert').textContent()) ?? '';
      expect(refusal).toMatch(/has changed|was reported|ended/);
      await question.getByRole('button', { name: 'Leave it' }).click();
      await page.getByText(hostile, { exact: true }).waitFor();
      await context.close();
    },
  };
}

describe('an administrator', () => {
  it('sees what needs attention, and goes from there to the load balancer', () =>
    asAdmin('attention', async (page) => {
      await openBreaker(true);
      for (const title of [
        'Failovers are stopped',
        'Releases that are held',
        'Load balancers in ERROR',
        'Silent amphorae',
        'Operations that do not come further',
        'Load balancers that are PENDING for long',
        'Images',
        'Certificates',
        'Pairs of two images',
      ]) {
        await page.getByRole('heading', { level: 2, name: new RegExp(`^. ${title}|^${title}`) }).waitFor();
      }
      await page.getByText('12 were silent at once (threshold 1)').waitFor();
      await page.getByText(/the certificate of amphora \S+ agent has ended/).waitFor();
      await page.getByText('the release of amphora-1 does not go on: paused by alice').waitFor();
      await openBreaker(false);
      await page.getByText('load balancer checkout is in ERROR').waitFor();
      await expectAccessible(page, 'attention');
      const group = page.locator('section', { hasText: 'Load balancers in ERROR' });
      await group.getByRole('link', { name: 'Load balancer' }).click();
      await page.getByRole('dialog').getByText('198.51.100.61').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await heading(page, 'Load balancers').waitFor();
    }));

  it('sees the fleet by image, as bars and as a table', () =>
    asAdmin('fleet', async (page) => {
      await heading(page, 'Fleet').waitFor();
      await page.getByRole('cell', { name: /amphora-2026\.10/ }).waitFor();
      await page.getByRole('cell', { name: '✖ gone' }).first().waitFor();
      await expect.poll(() => page.locator('.bar').count(), patience).toBe(3);
      await expectAccessible(page, 'fleet');
    }));

  it('pages through load balancers and finds one by name, by ID and by address', () =>
    asAdmin('attention', async (page) => {
      await page.getByRole('link', { name: 'Load balancers' }).click();
      const rows = page.locator('tbody tr');
      await expect.poll(() => rows.count(), patience).toBe(50);
      await expectAccessible(page, 'load balancers');
      await page.getByRole('link', { name: 'Next page' }).click();
      await expect.poll(() => rows.count(), patience).toBe(15);
      for (const text of ['web', stand.workingId, '198.51.100.7']) {
        await page.getByRole('searchbox').fill(text);
        await page.keyboard.press('Enter');
        await expect.poll(() => rows.count(), patience).toBe(1);
      }
      await page.getByRole('link', { name: 'shop-07' }).waitFor();
      await page.getByRole('searchbox').fill('nobody');
      await page.keyboard.press('Enter');
      await page.getByText('None is like that').waitFor();
      await page.getByRole('searchbox').fill('');
      await page.getByLabel('Status').selectOption('ERROR');
      await page.getByRole('button', { name: 'Show' }).click();
      await page.getByRole('link', { name: 'checkout' }).waitFor();
    }));

  it('is led on from addresses that lead nowhere', () =>
    asAdmin('load-balancers?marker=that-was-deleted', async (page) => {
      await page.getByRole('link', { name: 'Go to the first page' }).click();
      await page.getByRole('table').waitFor();
      for (const view of ['operations/.', 'releases/..']) {
        await go(page, `#/${view}`);
        await page.getByRole('table').waitFor();
        expect(await page.getByRole('dialog').count()).toBe(0);
      }
      await go(page, '#/nowhere/at-all');
      await heading(page, 'Attention').waitFor();
      await expect.poll(() => page.url(), patience).toBe(`${stand.url}#/`);
    }));

  it('opens a load balancer by its link, and fails it over with the keyboard alone', () =>
    asAdmin(`load-balancers/${stand.workingId}`, async (page) => {
      const drawer = page.getByRole('dialog', { name: 'web' });
      await drawer.getByText(/Listener HTTP 8080/).waitFor();
      await drawer.getByText('STANDALONE').waitFor();
      await drawer.getByText(/127\.0\.0\.1 : \d+/).waitFor();
      await drawer.getByRole('link', { name: 'create-load-balancer' }).waitFor();
      await expect.poll(() => drawer.locator('.chart canvas').count(), patience).toBe(3);
      await drawer.getByText('Bytes a second as a table').focus();
      await page.keyboard.press('Enter');
      const table = drawer.getByRole('region', { name: 'Bytes a second' });
      await table.getByText(/\d kB/).first().waitFor();
      await expect.poll(() => table.locator('tbody tr').count(), patience).toBeGreaterThan(50);
      await expectAccessible(page, 'load balancer');
      await drawer.getByRole('button', { name: 'Fail over…' }).focus();
      await page.keyboard.press('Enter');
      const question = page.getByRole('dialog', { name: 'Fail over?' });
      await question.waitFor();
      await expectAccessible(page, 'failover');
      await question.getByRole('button', { name: 'Fail over' }).focus();
      await page.keyboard.press('Enter');
      await page.getByText('The failover of web is asked for.').first().waitFor();
      await drawer.getByRole('link', { name: 'failover-load-balancer' }).first().waitFor();
      await drawer.locator('.facts').getByText('● ACTIVE', { exact: true }).waitFor({ timeout: 200_000 });
    }));

  it('aborts an operation that is stuck, with a reason', () =>
    asAdmin('attention', async (page) => {
      await page.getByRole('link', { name: 'Operations', exact: true }).click();
      await page.getByRole('link', { name: 'flow-of-a-newer-version' }).click();
      const drawer = page.getByRole('dialog', { name: 'flow-of-a-newer-version' });
      await drawer.getByText('Nobody has begun it yet.').waitFor();
      await expectAccessible(page, 'operation');
      await drawer.getByRole('button', { name: 'Abort…' }).click();
      const question = page.getByRole('dialog', { name: 'Abort?' });
      await question.getByLabel('Why').fill(hostile);
      await question.getByRole('button', { name: 'Abort the operation' }).click();
      await drawer.getByText('an operator ended the operation').waitFor();
      await drawer.getByRole('button', { name: 'Abort…' }).waitFor({ state: 'detached' });
      await go(page, `#/load-balancers/${stand.stuck.loadBalancerId}`);
      const why = page.getByRole('dialog', { name: 'mail' }).getByRole('strong');
      await why.filter({ hasText: 'an operator ended the operation' }).waitFor();
    }));

  it('sees a release by waves and load balancers, and ends it with a reason', () =>
    asAdmin(`releases/${stand.releaseId}`, async (page) => {
      const drawer = page.getByRole('dialog', { name: 'amphora-1' });
      await drawer.getByText('33 of 60').waitFor();
      await drawer.getByRole('row', { name: /^1 19 1 0 0/ }).waitFor();
      await expect.poll(() => drawer.locator('.square').count(), patience).toBe(60);
      await drawer.getByText('Request errors at each judgement, in percent as a table').click();
      const judged = drawer.getByRole('region', { name: 'Request errors at each judgement' });
      await expect.poll(() => judged.locator('tbody tr').count(), patience).toBe(20);
      await judged.getByRole('cell', { name: '0.96' }).first().waitFor();
      expect(await drawer.getByRole('link', { name: /failed, wave 1/ }).count()).toBe(1);
      await drawer.getByText('half of the shops, then lunch').first().waitFor();
      // Times within a text are in the reader's zone, too.
      const again = drawer.getByText(/^It is looked at again at \d\d:\d\d:\d\d/).locator('time');
      expect(await again.first().getAttribute('title')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
      await expectAccessible(page, 'release');
      expect(await drawer.getByRole('button', { name: 'Pause…' }).count()).toBe(0);
      await drawer.getByRole('button', { name: 'Resume…' }).waitFor();
      const colleague = await colleagueAsked(`releases/${stand.releaseId}`, 'Resume');
      await drawer.getByRole('button', { name: 'Abort…' }).click();
      const question = page.getByRole('dialog', { name: 'Abort?' });
      await question.getByLabel('Why').fill(hostile);
      await question.getByRole('button', { name: 'Abort it' }).click();
      await drawer.getByText(hostile, { exact: true }).waitFor();
      await colleague.isRefused();
      await drawer.locator('.facts').getByText('aborted').waitFor({ timeout: 200_000 });
      await drawer.getByRole('button', { name: 'Abort…' }).waitFor({ state: 'detached' });
    }));

  it('gets to know when the server is gone, and when it is back', () =>
    asAdmin('attention', async (page) => {
      await heading(page, 'Attention').waitFor();
      await page.getByText('load balancer checkout is in ERROR').waitFor();
      const start = await stand.restart();
      await page.getByRole('status').getByText('The server does not answer').waitFor();
      // What was known stays.
      await page.getByText('load balancer checkout is in ERROR').waitFor();
      await start();
      await page.getByText('The server answers again.').first().waitFor(patience);
    }));
});

describe('a tenant', () => {
  it('sees their own load balancers alone, is offered what they may do, and is refused the rest', () =>
    withPage(async ({ page }) => {
      await go(page, '#/fleet');
      await signIn(page, accounts().demo);
      await page.getByText('Your roles in this project do not let you see this').waitFor();
      await go(page, `#/releases/${stand.releaseId}`);
      await page.getByText('Your roles in this project do not let you see this').waitFor();
      expect(await page.getByRole('dialog').count()).toBe(0);
      await page.getByRole('link', { name: 'Load balancers' }).click();
      await heading(page, 'Load balancers').waitFor();
      expect(await page.getByRole('navigation', { name: 'Views' }).getByRole('link').allTextContents()).toEqual([
        'Load balancers',
      ]);
      const web = page.getByRole('link', { name: 'web' });
      await web.waitFor();
      // Before the drawer opens, which has tables of its own.
      expect(await page.locator('tbody tr').count()).toBe(2);
      await web.click();
      const drawer = page.getByRole('dialog', { name: 'web' });
      await drawer.getByText(/Listener HTTP 8080/).waitFor();
      expect(await drawer.getByRole('heading', { name: 'Amphorae' }).count()).toBe(0);
      expect(await drawer.getByRole('button', { name: 'Fail over…' }).count()).toBe(0);
    }));

  it('plants markup in every field in vain, for themselves and for administrators', () =>
    asAdmin(`load-balancers/${stand.hostileId}`, async (page) => {
      const drawer = page.getByRole('dialog');
      await drawer.getByText(/Listener HTTP 8081/).waitFor();
      // Load balancer, description, listener, pool, member.
      expect(await drawer.getByText(hostile, { exact: true }).count()).toBeGreaterThanOrEqual(5);
      expect(await page.locator('img, script:not([src="app.js"])').count()).toBe(0);
      await go(page, '#/operations?which=all');
      await page.getByRole('table').waitFor();
    }));
});

describe('`kiln ui`', () => {
  it('signs in by the address that it prints, once, with nothing of it left to be seen', async () => {
    const local = startKiln(['ui', '--quiet'], stand.cloud.dev.environment);
    const opened = await stand.open();
    const { page, complaints } = opened;
    try {
      const address = await local.line(/^http:/);
      const { origin } = new URL(address);
      // The page that was open before asks for nothing more.
      await page.goto('about:blank');
      opened.hosts.clear();
      await page.goto(address);
      await heading(page, 'Attention').waitFor();
      await page.getByText('load balancer checkout is in ERROR').waitFor();
      expect(page.url()).toBe(`${origin}/ui/`);
      await page.goto(`${origin}/ui/#/load-balancers/${stand.workingId}`);
      await page.getByRole('dialog', { name: 'web' }).getByRole('button', { name: 'Fail over…' }).waitFor();
      await page.reload();
      await page.getByText('Open the latest address').waitFor();
      await expectAccessible(page, 'kiln ui');
      await page.goto(address);
      await page.getByRole('alert').getByText('used already').waitFor();
      // In the same window: its script does not start anew by itself.
      await page.goto(local.lines.at(-1) ?? '');
      await heading(page, 'Attention').waitFor();
      expect([...opened.hosts]).toEqual([origin]);
      expect(complaints).toEqual([]);
    } finally {
      await opened.context.close();
      expect(await local.stop()).toBe(0);
    }
  });
});

it('fits a small screen, and says of times what they are in UTC', () =>
  withPage(
    async ({ page }) => {
      await signIn(page, accounts().admin);
      const views = ['attention', 'fleet', 'load-balancers', 'operations', 'events', 'releases/new'];
      const drawers = [`load-balancers/${stand.workingId}`, `releases/${stand.releaseId}`];
      for (const view of [...views, ...drawers]) {
        await go(page, `#/${view}`);
        const whole = view.includes('/') ? 'dialog form, dialog .facts' : '.card, table';
        await page.locator(whole).first().waitFor();
        const widths = `[document.documentElement, ...document.querySelectorAll('dialog')].map((one) => one.scrollWidth)`;
        for (const width of (await page.evaluate(widths)) as number[]) expect(width, view).toBeLessThanOrEqual(360);
      }
      const time = page.locator('time').first();
      expect(await time.getAttribute('title')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
      await expectAccessible(page, 'small and dark');
    },
    { viewport: { width: 360, height: 740 }, colorScheme: 'dark', reducedMotion: 'reduce' },
  ));

async function applicationCredential(): Promise<{ id: string; secret: string }> {
  const { authUrl, userName, password, projectName } = accounts().demo;
  const domain = { name: 'Default' };
  const auth = {
    identity: { methods: ['password'], password: { user: { name: userName, domain, password } } },
    scope: { project: { name: projectName, domain } },
  };
  const headers = { 'content-type': 'application/json' };
  const login = await fetch(`${authUrl}/auth/tokens`, { method: 'POST', headers, body: JSON.stringify({ auth }) });
  const { token } = (await login.json()) as { token: { user: { id: string } } };
  const made = await fetch(`${authUrl}/users/${token.user.id}/application_credentials`, {
    method: 'POST',
    headers: { ...headers, 'x-auth-token': login.headers.get('x-subject-token') ?? '' },
    body: JSON.stringify({ application_credential: { name: `ui-${Date.now()}` } }),
  });
  return ((await made.json()) as { application_credential: { id: string; secret: string } }).application_credential;
}
