import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { ensureDebianPackages } from '../../scripts/debian-packages.ts';

/** `KILN_SCREENSHOTS=1 npm run test:ui`: the pictures of the guide are made anew. */
export const makesPictures = Boolean(process.env.KILN_SCREENSHOTS);

const folder = join(import.meta.dirname, '../../docs/images');
const WIDTH = 1280;
/** Of colours: flat surfaces and letters need no more. */
const COLOURS = '48';

/** `docs/images/page-NAME-light.png` and `-dark.png`, of what the page shows now. */
export async function takePictures(page: Page, name: string, height = 800): Promise<void> {
  ensureDebianPackages(['pngquant']);
  await page.setViewportSize({ width: WIDTH, height });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const picture = await page.screenshot({ animations: 'disabled', caret: 'hide' });
    const small = spawnSync('pngquant', ['--speed', '1', '--strip', '--nofs', COLOURS, '-'], { input: picture });
    if (small.status !== 0) throw new Error(`pngquant: ${small.stderr}`);
    writeFileSync(join(folder, `page-${name}-${colorScheme}.png`), small.stdout);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: WIDTH, height: 800 });
}
