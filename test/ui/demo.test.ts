import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, vi } from 'vitest';
import { launchBrowser } from '../kit/browser.ts';

/** `npm run demo -- --ui`: what it says is there is on the page, and ctrl-C leaves nothing behind. */

const LONGEST_MS = 600_000;
vi.setConfig({ testTimeout: LONGEST_MS });

it('leaves a page to look at, with a release in its second wave, and ends with all it has started', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-test-demo-'));
  const demo = startDemo({ TMPDIR: folder });
  try {
    const said = await demo.until(/It runs until you press Ctrl-C/);
    const address = /The page: +(\S+)/.exec(said)?.[1] ?? '';
    const [user = '', password = ''] = /Sign in as (\S+) with the password (\S+):/.exec(said)?.slice(1) ?? [];
    expect(said).not.toContain('NOT SO');

    const browser = await launchBrowser();
    const page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(address);
    await page.getByLabel('User', { exact: true }).fill(user);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: /Silent amphorae/ }).waitFor();
    await page.getByRole('link', { name: 'Releases' }).click();
    await page.getByRole('link', { name: 'amphora-3.0' }).click();
    const drawer = page.getByRole('dialog', { name: 'amphora-3.0' });
    await drawer.locator('.facts').getByText('2 of 2').waitFor();
    await drawer.getByRole('button', { name: 'Resume…' }).waitFor();
    await browser.close();
  } finally {
    const status = await demo.interrupt();
    expect(status).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  }
  expect(processesOf(folder)).toEqual([]);
});

function startDemo(environment: NodeJS.ProcessEnv) {
  const root = join(import.meta.dirname, '..', '..');
  const child: ChildProcess = spawn('sh', ['scripts/node24.sh', 'scripts/demo.ts', '--ui'], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  let said = '';
  return {
    until: (pattern: RegExp) =>
      new Promise<string>((resolve, reject) => {
        if (!child.stdout) return;
        createInterface({ input: child.stdout }).on('line', (line) => {
          said += `${line}\n`;
          if (pattern.test(line)) resolve(said);
        });
        void ended.then((code) => reject(new Error(`the demo ended with ${code}:\n${said}`)));
      }),
    /** As a terminal does on ctrl-C. */
    async interrupt() {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGINT');
      return await ended;
    },
  };
}

/** PIDs of what has the folder in its command line. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc').filter((name) => {
    const file = `/proc/${name}/cmdline`;
    try {
      return /^\d+$/.test(name) && readFileSync(file, 'utf8').includes(folder);
    } catch {
      return false; // It ended while we looked.
    }
  });
}
