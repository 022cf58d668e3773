import { type Browser, chromium } from 'playwright-core';

/** Debian's Chromium, without a window. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-extensions'],
    timeout: 120_000,
  });
}
