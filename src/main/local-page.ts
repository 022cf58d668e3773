import { relayPublicApi } from '../adapters/control/client.ts';
import { openBrowser } from '../adapters/process/open-browser.ts';
import { createUiFiles } from '../adapters/ui/files.ts';
import { createLocalPage } from '../api/local-page/server.ts';
import type { LocalPageOptions } from '../cli/context.ts';
import { aborted } from '../lib/aborted.ts';
import type { Clock } from '../ports/clock.ts';
import { listen } from './roles/listen.ts';

/** A browser that was asked to open a file has read it by then. */
const BROWSER_READS_MS = 60_000;

/** `kiln ui`: serves the page on loopback until the signal is aborted. */
export async function serveLocalPage(
  { port, opens, onAddress, onNoBrowser }: LocalPageOptions,
  own: { controlSocket: string; who: string; clock: Clock; signal: AbortSignal },
): Promise<void> {
  const { relay, close } = relayPublicApi(own.controlSocket, own.who);
  let url: string | null = null;
  let codeAtStart = '';
  const addressOf = (code: string) => `${url}/ui/#code=${code}`;
  const app = createLocalPage({
    files: createUiFiles(),
    relay,
    clock: own.clock,
    onCode(code) {
      if (url === null) codeAtStart = code;
      else onAddress(addressOf(code));
    },
  });
  try {
    const server = await listen(
      app,
      { host: '127.0.0.1', port: port ?? 0 },
      { where: 'the page shall be', advice: 'Take another --port, or none for one that is free.' },
    );
    url = server.url;
    onAddress(addressOf(codeAtStart));
    const browser = opens ? await openBrowser(addressOf(codeAtStart)) : null;
    if (opens && !browser) onNoBrowser();
    if (browser) await own.clock.sleep(BROWSER_READS_MS, own.signal).catch(() => {});
    browser?.forget();
    await aborted(own.signal);
    await server.close();
  } finally {
    await close();
  }
}
