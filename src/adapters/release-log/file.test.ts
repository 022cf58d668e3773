import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { openReleaseLog } from './file.ts';

let folder: string;
let path: string;
const clock = createFakeClock();
const open = () => openReleaseLog(path, clock, { create: true });
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
  const opened = openReleaseLog(path, clock, { create: false });
  await expect(opened).rejects.toThrow(`the state file ${path} is not there`);
});
