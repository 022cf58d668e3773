/**
 * `npm run bench:page`: the web page in Debian's Chromium: how soon something is painted on an embedded cloud, how long the longest
 * frame is while a release to 8,000 load balancers goes on, and how many statements 1 and 10 open pages cost, in each view.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../test/kit/browser.ts';
import { openServingCloud } from '../test/kit/serving-cloud.ts';
import { CHANGES_A_SECOND, FLEET, moveOn, startRelease } from './page-release.ts';
import { countStatements } from './page-statements.ts';
import { longestTask } from './page-trace.ts';
import { type Figure, machine, milliseconds, percentile, table } from './report.ts';

const LOADS = 10;
const WATCH_SECONDS = Number(process.env.KILN_BENCH_SECONDS || 30);
const OPEN_PAGES = [1, 10];

/** What there is to be seen comes before the browser has reported when. */
const firstPaint = `new Promise((resolve) => {
  new PerformanceObserver((list) => {
    for (const { name, startTime } of list.getEntries()) if (name === 'first-contentful-paint') resolve(startTime);
  }).observe({ type: 'paint', buffered: true });
})`;

const cloud = await openServingCloud();
const browser = await launchBrowser();
try {
  console.log(`${machine()}, Chromium ${browser.version()}\n`);
  const url = `${new URL(cloud.dev.cloud.apiUrl).origin}/ui/`;
  console.log(table('First paint of the page', await paints(browser, url)));
  console.log(table(`Frames, a release to ${FLEET.toLocaleString()} load balancers`, await frames(browser, url)));
  const statements = await countStatements(browser, { numbers: OPEN_PAGES, seconds: WATCH_SECONDS / 2 });
  console.log(table('What pages that stay open cost the database', statements));
} finally {
  await browser.close();
  await cloud.close();
}

/** Of the sign-in, from the click on a link: with nothing in the cache, and again. */
async function paints(chromium: Browser, url: string): Promise<Figure[]> {
  const [cold, warm]: [number[], number[]] = [[], []];
  for (let load = 0; load < LOADS; load++) {
    const context = await chromium.newContext();
    const page = await context.newPage();
    for (const times of [cold, warm]) {
      await page.goto(url);
      await page.getByRole('button', { name: 'Sign in' }).waitFor();
      times.push(Number(await page.evaluate(firstPaint)));
    }
    await context.close();
  }
  const row = (what: string, times: number[]) => ({
    what: `${what}: median / longest of ${LOADS}`,
    value: `${milliseconds(percentile(times, 0.5))} / ${milliseconds(Math.max(...times))}`,
  });
  return [row('nothing in the cache', cold), row('again', warm)];
}

async function frames(chromium: Browser, url: string): Promise<Figure[]> {
  const { database, releases } = cloud.harness.state;
  const { id, targets } = await startRelease(releases);
  const page = await chromium.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(url);
  const { userName, password } = cloud.dev.cloud.accounts.admin;
  await page.getByLabel('User', { exact: true }).fill(userName);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: 'Releases' }).click();
  const canvas = page.locator('.drawn canvas');
  const figures: Figure[] = [];
  const watch = async (what: string, act: () => Promise<void>) =>
    figures.push(...(await traced(chromium, page, what, act)));

  await watch('opened', async () => {
    await page.goto(`${url}#/releases/${id}`);
    await canvas.waitFor();
    await pause(2_000);
  });
  const moving = new AbortController();
  const moved = moveOn(database, targets, CHANGES_A_SECOND, moving.signal);
  await watch(`${WATCH_SECONDS} s, ${CHANGES_A_SECOND} changes a second`, () => pause(WATCH_SECONDS * 1000));
  await watch('its table opened, three states chosen', async () => {
    await page.getByText('Load balancers as a table').click();
    for (const state of ['moved', 'pending', 'moved']) {
      await page.getByLabel('In the state').selectOption(state);
      await pause(300);
    }
  });
  await watch('scrolled from end to end', async () => {
    await page.mouse.move(900, 500);
    for (let step = 0; step < 40; step++) {
      await page.mouse.wheel(0, step < 20 ? 200 : -200);
      await pause(50);
    }
  });
  await page.keyboard.press('Escape');
  await watch('its events, as they happen', async () => {
    await page.goto(`${url}#/events`);
    await page.getByRole('table').waitFor();
    await pause((WATCH_SECONDS / 2) * 1000);
  });
  moving.abort();
  await moved;
  await page.close();
  return figures;
}

/** The longest task of the page's main thread, and the longest time between two frames, while something happens. */
async function traced(chromium: Browser, page: Page, what: string, act: () => Promise<void>): Promise<Figure[]> {
  await page.evaluate(`(() => {
    const watched = (globalThis.watched = { longest: 0, before: performance.now() });
    const tick = (at) => {
      watched.longest = Math.max(watched.longest, at - watched.before);
      watched.before = at;
      if (globalThis.watched === watched) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  })()`);
  await chromium.startTracing(page, {
    categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'v8'],
  });
  await act();
  const trace = await chromium.stopTracing();
  const between = Number(await page.evaluate('globalThis.watched.longest'));
  const task = longestTask(trace);
  return [
    {
      what: `${what}: longest task`,
      value: `${milliseconds(task.milliseconds)}, of the processor ${milliseconds(task.processorMs)} (${task.parts})`,
    },
    { what: `${what}: longest time between two frames`, value: milliseconds(between) },
  ];
}
