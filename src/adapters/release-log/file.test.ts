import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { listReleaseLogs, openReleaseLog } from './file.ts';

let folder: string;
let path: string;
const clock = createFakeClock();
const open = () => openReleaseLog(path, clock, 'create');
const wave = (number: number) => ({ kind: 'wave', wave: number }) as const;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-release-log-'));
  path = join(folder, 'release.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('gives what was written since the last time, by whomever', async () => {
  const [one, other] = [await open(), await open()];
  await one.append(wave(1));
  await other.append(wave(2));
  expect(await one.read()).toMatchObject([wave(1), wave(2)]);
  expect(await one.read()).toEqual([]);
  await other.append(wave(3));
  expect(await one.read()).toMatchObject([{ ...wave(3), atMs: clock.now().getTime() }]);
  await Promise.all([one.close(), other.close()]);
});

it('a line that a kill has cut off is none, and harms no line after it', async () => {
  const log = await open();
  await log.append(wave(1));
  appendFileSync(path, '{"kind":"wave","wa');
  expect(await log.read()).toMatchObject([wave(1)]);
  await log.append(wave(2));
  expect(await log.read()).toMatchObject([wave(2)]);
  await log.close();
  const again = await open();
  expect(await again.read()).toMatchObject([wave(1), wave(2)]);
  await again.close();
});

it('one process carries it out: the next one when that has ended', async () => {
  const [one, other] = [await open(), await open()];
  expect([await one.lock(), await other.lock(), await one.lock()]).toEqual([true, false, true]);
  await one.close();
  expect(await other.lock()).toBe(true);
  await other.close();
});

it('says how it is called where it is not', async () => {
  const opened = openReleaseLog(path, clock, 'append');
  await expect(opened).rejects.toThrow(`the state file ${path} is not there`);
});

it('one that is not there, in a folder that is none, or is a folder itself: says so, and what to name', async () => {
  await expect(openReleaseLog(path, clock, 'read')).rejects.toMatchObject({ code: 'STATE_UNUSABLE' });
  const astray = openReleaseLog(join(folder, 'none', 'release.jsonl'), clock, 'create');
  await expect(astray).rejects.toMatchObject({
    code: 'STATE_UNUSABLE',
    message: expect.stringContaining("can't be opened: ENOENT"),
    advice: expect.stringContaining('in a folder that is there'),
  });
  await expect(openReleaseLog(folder, clock, 'append')).rejects.toMatchObject({
    message: expect.stringContaining('EISDIR'),
  });
  const read = await openReleaseLog(folder, clock, 'read');
  await expect(read.read()).rejects.toMatchObject({
    code: 'STATE_UNUSABLE',
    message: expect.stringContaining('EISDIR'),
  });
  await read.close();
});

it('a full disk stops before anything is asked for, and says how to go on', async () => {
  const log = await openReleaseLog('/dev/full', clock, 'append');
  await expect(log.append(wave(1))).rejects.toMatchObject({
    code: 'STATE_UNUSABLE',
    message: expect.stringContaining('ENOSPC'),
    advice: expect.stringContaining('kiln release resume --octavia'),
  });
  await log.close();
});

it('a lock file that can not be made is named', async () => {
  const log = await open();
  mkdirSync(`${path}.lock`);
  await expect(log.lock()).rejects.toMatchObject({
    code: 'STATE_UNUSABLE',
    message: expect.stringContaining(`${path}.lock can't be used`),
  });
  await log.close();
});

it('reads what nobody may write to, and lists the state files of a folder', async () => {
  const log = await open();
  await log.append(wave(1));
  await log.close();
  chmodSync(path, 0o400);
  const reader = await openReleaseLog(path, clock, 'read');
  expect(await reader.read()).toMatchObject([wave(1)]);
  await expect(reader.append(wave(2))).rejects.toMatchObject({ code: 'STATE_UNUSABLE' });
  await reader.close();
  expect(await listReleaseLogs(folder)).toEqual([path]);
  await expect(listReleaseLogs(join(folder, 'none'))).rejects.toMatchObject({ code: 'STATE_UNUSABLE' });
});
