import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { openBrowser } from './open-browser.ts';

const url = 'http://127.0.0.1:1234/ui/#code=secret';

it('opens a file for the user alone that leads to the address, which no argument has', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-browser-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, 'browser');
  writeFileSync(program, `#!/bin/sh\necho "$@" > ${folder}/told.part && mv ${folder}/told.part ${folder}/told\n`);
  chmodSync(program, 0o700);
  const browser = await openBrowser(url, program);
  const reported = await vi.waitFor(() => readFileSync(join(folder, 'told'), 'utf8').trim(), { timeout: 60_000 });
  expect(reported).toMatch(/^file:\/\/\S+$/);
  expect(reported).not.toContain('secret');
  const file = fileURLToPath(reported);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toContain(`url=${url}"`);
  browser?.forget();
  expect(existsSync(file)).toBe(false);
});

it('says where there is no browser', async () => {
  expect(await openBrowser(url, '/no/such/program')).toBeNull();
});
