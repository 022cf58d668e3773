import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { consoleFile, hardwareKey, type Machine, startMachine } from './machine.ts';

const run = promisify(execFile);

/** A machine that was booted from an image, and stopped where the guest waits for its config drive. It has no network card. */
export interface Template {
  memory: string;
  state: string;
  disk: string;
}

/** What the image's reader of the config drive says when it has to wait. */
const waiting = 'config-drive: waiting for the config drive';
/** The reader gives up after two minutes of the guest's. */
const settleMs = 45_000;
const bootMs = 10 * 60_000;
/** Of other images, in case one goes back to them. */
const kept = 3;

/** Templates of images, made when one is needed first, and kept in `folder` between runs. */
export function openTemplates(folder: string): { of(imageFile: string): Promise<Template> } {
  const known = new Map<string, Promise<Template>>();
  return {
    of: (imageFile) => {
      const template = known.get(imageFile) ?? provideTemplate(folder, imageFile);
      known.set(imageFile, template);
      return template;
    },
  };
}

async function provideTemplate(folder: string, imageFile: string): Promise<Template> {
  const path = join(folder, `template-${await keyOf(imageFile)}`);
  if (existsSync(path)) {
    const now = new Date();
    await utimes(path, now, now);
    return filesIn(path);
  }
  const started = Date.now();
  const partial = `${path}.${process.pid}.partial`;
  await mkdir(partial, { recursive: true });
  try {
    await makeTemplate(partial, imageFile);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  console.log(`template made in ${Math.round((Date.now() - started) / 1000)} s`);
  await forgetOthers(folder);
  return filesIn(path);
}

const filesIn = (path: string): Template => ({
  memory: join(path, 'memory'),
  state: join(path, 'state'),
  disk: join(path, 'disk.raw'),
});

async function keyOf(imageFile: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(imageFile, { highWaterMark: 2 ** 20 }), hash, { end: false });
  const { stdout } = await run('qemu-system-x86_64', ['--version']);
  return hash.update(stdout).update(hardwareKey).digest('hex').slice(0, 16);
}

async function makeTemplate(folder: string, imageFile: string): Promise<void> {
  const { memory, state, disk } = filesIn(folder);
  await run('qemu-img', ['convert', '-O', 'raw', imageFile, disk]);
  const machine = await startMachine({
    ...{ folder, namespace: null, from: 'disk' },
    memory: { file: memory, isShared: true },
    disk: { file: disk, format: 'raw' },
  });
  try {
    await untilWaiting(machine, folder);
    const { qmp } = machine;
    await qmp.run('stop');
    await leaveMemoryAlone(machine);
    await qmp.run('migrate', { uri: `exec:cat > '${state}'` });
    for (;;) {
      const { status } = await qmp.run<{ status: string }>('query-migrate');
      if (status === 'completed') break;
      if (status === 'failed') throw new Error('QEMU could not save the template');
      await sleep(50);
    }
  } finally {
    await machine.stop();
  }
}

/** Memory is in a file, which the next machine has as well: it is no part of the state. */
export async function leaveMemoryAlone({ qmp }: Machine): Promise<void> {
  const capabilities = [{ capability: 'x-ignore-shared', state: true }];
  await qmp.run('migrate-set-capabilities', { capabilities });
}

/** Until the guest has nothing to do but wait. */
async function untilWaiting(machine: Machine, folder: string): Promise<void> {
  const deadline = Date.now() + bootMs;
  while (!(await readFile(consoleFile(folder), 'utf8').catch(() => '')).includes(waiting)) {
    if (machine.isOver() || Date.now() > deadline) {
      const said = await readFile(consoleFile(folder), 'utf8').catch(() => '');
      throw new Error(`the image does not get as far as its config drive:\n${said.slice(-3000)}`);
    }
    await sleep(100);
  }
  const settled = Date.now() + settleMs;
  let [before, now] = [0, await processorMs(machine.pid)];
  do {
    await sleep(1000);
    [before, now] = [now, await processorMs(machine.pid)];
  } while (now - before > 150 && Date.now() < settled);
}

/** What a process has had of the processor. */
async function processorMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/.*\) /, '').split(' ');
  // In hundredths of a second: utime and stime.
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

async function forgetOthers(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /^template-\w+$/.test(name));
  const dated = await Promise.all(names.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })));
  for (const { name } of dated.sort((a, b) => b.at - a.at).slice(kept))
    await rm(join(folder, name), { recursive: true, force: true });
}
