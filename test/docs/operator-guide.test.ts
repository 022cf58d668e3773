import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildAmphoraImage } from '../../src/adapters/amphora-image/build.ts';
import { type Cloud, startCloud } from '../../src/cloud/cloud.ts';
import { errorKinds, exitCodes } from '../../src/model/errors.ts';
import { createCanonical } from './canonical.ts';
import { follow, withSettings } from './guide.ts';
import { type GuideShell, openGuideShell } from './guide-shell.ts';

/**
 * Every command of the operator guide is run, in order, against an embedded cloud, and its output is what the guide
 * shows. To remake the outputs: `KILN_UPDATE_DOCS=1 npx vitest run test/docs/operator-guide.test.ts`.
 */
const guideFile = join(import.meta.dirname, '..', '..', 'docs', 'operator-guide.md');
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

function missingClient(): boolean {
  try {
    execFileSync('/usr/bin/openstack', ['--version'], { stdio: 'ignore', env: {} });
    return false;
  } catch {
    console.warn('skipped: apt-get install -y --no-install-recommends python3-openstackclient');
    return true;
  }
}

describe.skipIf(missingClient())('docs/operator-guide.md', () => {
  let folder: string;
  let cloud: Cloud;
  let shell: GuideShell;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kiln-guide-'));
    cloud = await startCloud({ stateDirectory: join(folder, 'etc') });
    for (const version of ['2026.1', '2026.2']) {
      await buildAmphoraImage({ output: join(folder, `amphora-${version}.img`), name: 'amphora', version });
    }
    await writeFile(join(folder, 'broken.img'), 'not an image at all');
    shell = openGuideShell(folder, {
      PATH: `${kilnFolder}:/usr/bin:/bin`,
      HOME: folder,
      LANG: 'C.UTF-8',
      OS_CLIENT_CONFIG_FILE: cloud.cloudsFile,
      OS_CLOUD: 'kiln-dev',
      NODE_COMPILE_CACHE: join(folder, 'compile-cache'),
      KILN_CONFIG_FILE: cloud.configurationFile,
    });
    expect(await shell.run(functions)).toEqual({ output: '', status: 0 });
  });
  afterAll(async () => {
    await shell?.close();
    await cloud?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('shows what its commands really say', { timeout: 180_000 }, async () => {
    const guide = await readFile(guideFile, 'utf8');
    const places = [
      [join(folder, 'kiln.log'), '/var/log/kiln/kiln.log'],
      [join(cloud.stateDirectory, 'certificates'), '/etc/octavia/certs'],
      [join(cloud.stateDirectory, 'kiln'), '/var/lib/kiln'],
      [cloud.stateDirectory, '/etc/octavia'],
      [`${folder}/`, ''],
      [cloud.url, 'http://controller'],
    ] as const;
    const canonical = createCanonical(places);
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
  });

  it('explains every error of images and boots, and every exit status', async () => {
    const guide = await readFile(guideFile, 'utf8');
    const explained = [...guide.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
    const codes = Object.keys(errorKinds);
    expect(codes).toEqual(expect.arrayContaining(explained));
    expect(explained).toEqual(
      expect.arrayContaining(codes.filter((code) => /^(IMAGE|BOOT|AGENT|SERVICE)_/.test(code))),
    );
    const statuses = [...guide.matchAll(/^\| (\d) \|/gm)].map(([, status]) => Number(status));
    expect(statuses.sort()).toEqual([1, ...Object.values(exitCodes)].sort());
  });
});
