import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Opens an address that is a secret in the user's browser: by a file that leads there, as every user of the host can read the
 * arguments of a process.
 * @param url without characters that HTML takes for markup.
 * @param program what opens files.
 * @returns what removes the file, once the browser has read it; null when there is no such program.
 */
export async function openBrowser(
  url: string,
  program = process.platform === 'darwin' ? 'open' : 'xdg-open',
): Promise<{ forget(): void } | null> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-ui-'));
  const file = join(folder, 'open.html');
  writeFileSync(file, `<!doctype html><meta http-equiv="refresh" content="0; url=${url}">\n`, { mode: 0o600 });
  const forget = () => rmSync(folder, { recursive: true, force: true });
  const child = spawn(program, [pathToFileURL(file).href], { detached: true, stdio: 'ignore' });
  try {
    await once(child, 'spawn');
  } catch {
    forget();
    return null;
  }
  child.unref();
  return { forget };
}
