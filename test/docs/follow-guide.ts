import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { buildAmphoraImage } from '../../src/adapters/amphora-image/build.ts';
import { startCloud } from '../../src/dev-cloud/cloud.ts';
import { serveOpenstack } from '../kit/openstack-socket.ts';
import { createCanonical } from './canonical.ts';
import { follow, withSettings } from './guide.ts';
import { openGuideShell } from './guide-shell.ts';

const kilnFolder = join(import.meta.dirname, '..', '..', 'bin');
/** The client, kept running: most of what a command of it takes is its start. */
export const openstackCommand = join(import.meta.dirname, '..', 'kit', 'bin', 'openstack');
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

/** Where a guide is followed. */
export interface GuidePlace {
  /** Everything the guide makes is in here. */
  folder: string;
  /** The file that `ini` blocks are written to. */
  configurationFile: string;
  /** For the shell, beside PATH, HOME and what `kiln` needs. */
  environment: Readonly<Record<string, string>>;
  /** Text of this run and what the guide shows instead; longer ones first. */
  shown: readonly (readonly [real: string, shown: string])[];
  /** What is typed in place of what the guide has: names of hosts, networks that exist here. */
  typed?: readonly (readonly [guide: string, real: string])[];
  /** Run in the shell before the guide's first command. */
  prepare?: string;
  close(): Promise<void>;
}

/** An embedded cloud of its own, with two images and one that is none. */
export async function embeddedPlace(): Promise<GuidePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-guide-'));
  const cloud = await startCloud({ stateDirectory: join(folder, 'etc') });
  for (const version of ['2026.1', '2026.2']) {
    await buildAmphoraImage({ output: join(folder, `amphora-${version}.img`), name: 'amphora', version });
  }
  await writeFile(join(folder, 'broken.img'), 'not an image at all');
  const openstack = await serveOpenstack(cloud.cloudsFile, join(folder, 'openstack.sock'));
  return {
    folder,
    configurationFile: cloud.configurationFile,
    environment: {
      OS_CLIENT_CONFIG_FILE: cloud.cloudsFile,
      OS_CLOUD: 'kiln-dev',
      OPENSTACK_SOCKET: join(folder, 'openstack.sock'),
    },
    prepare: `openstack() { ${openstackCommand} --os-cloud "$OS_CLOUD" "$@"; }`,
    shown: [
      [join(cloud.stateDirectory, 'certificates'), '/etc/octavia/certs'],
      [join(cloud.stateDirectory, 'kiln'), '/var/lib/kiln'],
      [cloud.stateDirectory, '/etc/octavia'],
      [cloud.url, 'http://controller'],
    ],
    async close() {
      await openstack.close();
      await cloud.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What `kiln doctor` says it is at, where nothing else was said for five seconds: a guide shows a machine that has time. */
const saidOfSlowness = /^checking: .*\n/gm;

/**
 * Runs every command of a guide, in order, and holds the output against what the guide shows. With `KILN_UPDATE_DOCS=1`
 * the outputs are written into the guide instead.
 */
export async function followGuide(guideFile: string, place: GuidePlace): Promise<void> {
  const { folder, configurationFile } = place;
  const shell = openGuideShell(folder, {
    PATH: `${kilnFolder}:/usr/bin:/bin`,
    HOME: folder,
    LANG: 'C.UTF-8',
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(folder, 'compile-cache'),
    KILN_CONFIG_FILE: configurationFile,
    ...place.environment,
  });
  try {
    expect(await shell.run(`${functions}\n${place.prepare ?? ''}`)).toEqual({ output: '', status: 0 });

    const guide = await readFile(guideFile, 'utf8');
    const canonical = createCanonical([
      [join(folder, 'kiln.log'), '/var/log/kiln/kiln.log'],
      ...place.shown,
      [`${folder}/`, ''],
      [`${userInfo().username}@${hostname()}`, 'alice@controller'],
    ]);
    const toReal = (text: string) =>
      canonical.toReal((place.typed ?? []).reduce((made, [named, real]) => made.replaceAll(named, real), text));
    const run = async (command: string) => {
      const { output, status } = await shell.run(toReal(command));
      // Images are ordered by time, and Glance's times have a resolution of one second.
      if (command.includes('image push')) await new Promise((resolve) => setTimeout(resolve, 1100));
      return { shown: canonical.toShown(output).replace(saidOfSlowness, ''), status };
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
        const real = settings.map((setting) => ({
          ...setting,
          value: setting.value === null ? null : toReal(setting.value),
        }));
        await writeFile(configurationFile, withSettings(await readFile(configurationFile, 'utf8'), real));
      },
    });
    if (update) await writeFile(guideFile, followed);
    else expect(followed).toBe(guide);
  } finally {
    await shell.close();
    await place.close();
  }
}
