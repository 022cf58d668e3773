/** Before the first test that starts `kiln`: what is built is as new as the sources, so that no process loads these. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

export function setup(): void {
  execFileSync(process.execPath, [join(root, 'scripts', 'build.ts'), '--if-needed', '--quiet'], {
    cwd: root,
    stdio: 'inherit',
  });
}
