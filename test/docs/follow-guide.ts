import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { buildAmphoraImage } from '../../src/adapters/amphora-image/build.ts';
import { startCloud } from '../../src/cloud/cloud.ts';
import { createCanonical } from './canonical.ts';
import { follow, withSettings } from './guide.ts';
import { openGuideShell } from './guide-shell.ts';

const kilnFolder = join(import.meta.dirname, '..', '..', 'bin');
const update = process.env.KILN_UPDATE_DOCS === '1';

/** Of the service's start and stop, and of a signal that is obeyed a moment later, the guide need not tell. */
const functions = `
  log=$PWD/kiln.log
  reloads() { grep -c '"msg":"configuration re' "$log"; }
  start_kiln() {
    : >"$log"
    kiln serve 2>>"$log" & serve_pid=$!
    until grep -q '"msg":"serving"' "$log"; do runs || return; sleep 0.05; done
  }
  runs() { command kill -0 "$serve_pid" || { cat "$log"; return 1; }; }
  stop_kiln() { command kill "$serve_pid"; wait "$serve_pid"; }
  kill() {
    before=$(reloads)
    command kill "$@" || return
    while [ "$(reloads)" -eq "$before" ]; do runs || return; sleep 0.05; done
  }
`;

/**
 * Runs every command of a guide, in order, against an embedded cloud of its own, and holds the output against what the
 * guide shows. With `KILN_UPDATE_DOCS=1` the outputs are written into the guide instead.
 */
export async function followGuide(guideFile: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-guide-'));
  const cloud = await startCloud({ stateDirectory: join(folder, 'etc') });
  const shell = openGuideShell(folder, {
    PATH: `${kilnFolder}:/usr/bin:/bin`,
    HOME: folder,
    LANG: 'C.UTF-8',
    OS_CLIENT_CONFIG_FILE: cloud.cloudsFile,
    OS_CLOUD: 'kiln-dev',
    NODE_COMPILE_CACHE: join(folder, 'compile-cache'),
    KILN_CONFIG_FILE: cloud.configurationFile,
  });
  try {
    for (const version of ['2026.1', '2026.2']) {
      await buildAmphoraImage({ output: join(folder, `amphora-${version}.img`), name: 'amphora', version });
    }
    await writeFile(join(folder, 'broken.img'), 'not an image at all');
    expect(await shell.run(functions)).toEqual({ output: '', status: 0 });

    const guide = await readFile(guideFile, 'utf8');
    const canonical = createCanonical([
      [join(folder, 'kiln.log'), '/var/log/kiln/kiln.log'],
      [join(cloud.stateDirectory, 'certificates'), '/etc/octavia/certs'],
      [join(cloud.stateDirectory, 'kiln'), '/var/lib/kiln'],
      [cloud.stateDirectory, '/etc/octavia'],
      [`${folder}/`, ''],
      [cloud.url, 'http://controller'],
    ]);
    const run = async (command: string) => {
      const { output, status } = await shell.run(canonical.toReal(command));
      // Images are ordered by time, and Glance's times have a resolution of one second.
      if (command.includes('image push')) await new Promise((resolve) => setTimeout(resolve, 1100));
      return { shown: canonical.toShown(output), status };
    };

    const followed = await follow(guide, {
      async run(command) {
        const { shown, status } = await run(command);
        const toldSo = /^error: |, [1-9]\d* failed/m.test(shown);
        expect(status === 0, `${command}\n${shown}\nended with ${status}`).toBe(!toldSo);
        return shown;
      },
      async runUnseen(command) {
        const { shown, status } = await run(command);
        expect(status, `${command}\n${shown}`).toBe(0);
      },
      async configure(settings) {
        const file = cloud.configurationFile;
        await writeFile(file, withSettings(await readFile(file, 'utf8'), settings));
      },
    });
    if (update) await writeFile(guideFile, followed);
    else expect(followed).toBe(guide);
  } finally {
    await shell.close();
    await cloud.close();
    await rm(folder, { recursive: true, force: true });
  }
}

export function missingClient(): boolean {
  try {
    execFileSync('/usr/bin/openstack', ['--version'], { stdio: 'ignore', env: {} });
    return false;
  } catch {
    console.warn('skipped: apt-get install -y --no-install-recommends python3-openstackclient');
    return true;
  }
}
