import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { extract, list } from 'tar';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { buildAmphoraImage } from './build.ts';

let directory: string;
const startedIn = process.cwd();
const startedWithMask = process.umask();

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'kiln-image-test-'));
});
afterEach(() => {
  process.umask(startedWithMask);
});
afterAll(() => rmSync(directory, { recursive: true }));

async function pathsOf(file: string): Promise<string[]> {
  const paths: string[] = [];
  await list({ file, onReadEntry: (entry) => paths.push(`${entry.mode?.toString(8)} ${entry.path}`) });
  return paths;
}

it('packs the agent in one file, with a manifest', async () => {
  const image = await buildAmphoraImage({ output: join(directory, 'new/folder/a.img'), name: 'amphora', version: '7' });
  const bytes = readFileSync(image.file);
  expect(image).toEqual({
    file: join(directory, 'new/folder/a.img'),
    sizeBytes: bytes.length,
    sha512: createHash('sha512').update(bytes).digest('hex'),
  });
  expect(readdirSync(join(directory, 'new/folder'))).toEqual(['a.img']);
  expect(await pathsOf(image.file)).toEqual(['644 amphora.json', '644 agent.mjs']);
  await extract({ file: image.file, cwd: directory });
  expect(JSON.parse(readFileSync(join(directory, 'amphora.json'), 'utf8'))).toEqual({
    format: 'kiln-amphora-1',
    name: 'amphora',
    version: '7',
    entry: 'agent.mjs',
  });
  const agent = readFileSync(join(directory, 'agent.mjs'), 'utf8');
  expect(agent).not.toMatch(/from "(?!node:)/);
  expect(agent).not.toContain(startedIn);
});

it('gives the same bytes for the same input, whenever, wherever and by whomever it is built', async () => {
  const options = { name: 'amphora', version: '1', extraFiles: { 'b/c.txt': 'c', 'a.txt': 'a' } };
  const first = await buildAmphoraImage({ ...options, output: join(directory, 'first.img') });
  process.umask(0o077);
  const again = await buildAmphoraImage({
    ...options,
    extraFiles: { 'a.txt': 'a', 'b/c.txt': 'c' },
    output: join(directory, 'again.img'),
  });
  expect(again.sha512).toBe(first.sha512);
  expect(await pathsOf(first.file)).toEqual(['644 amphora.json', '644 agent.mjs', '644 a.txt', '644 b/c.txt']);
  const other = await buildAmphoraImage({ ...options, version: '2', output: join(directory, 'other.img') });
  expect(other.sha512).not.toBe(first.sha512);
});

it('bundles another program, the same from any folder', async () => {
  const hashes = [];
  for (const name of ['here', 'there']) {
    const folder = join(directory, name);
    mkdirSync(folder);
    writeFileSync(
      join(folder, 'mute.ts'),
      'import { later } from "./later.ts";\nsetInterval(later, 1000 as number);\n',
    );
    writeFileSync(join(folder, 'later.ts'), 'export const later = (): void => {};\n');
    process.chdir(folder);
    try {
      const image = await buildAmphoraImage({ output: 'mute.img', entry: 'mute.ts', name: 'mute', version: '1' });
      expect(image.file).toBe(join(folder, 'mute.img'));
      hashes.push(image.sha512);
    } finally {
      process.chdir(startedIn);
    }
  }
  expect(hashes[0]).toBe(hashes[1]);
});

it('replaces an older file at once and leaves nothing behind when it fails', async () => {
  const folder = join(directory, 'kept');
  mkdirSync(join(folder, 'image'), { recursive: true });
  const options = { output: join(folder, 'image'), name: 'a', version: '1' };
  await expect(buildAmphoraImage(options)).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
  expect(readdirSync(folder)).toEqual(['image']);
  expect(statSync(join(folder, 'image')).isDirectory()).toBe(true);
});

it.each(['../out', '/etc/passwd', 'amphora.json', 'agent.mjs', 'a/../b', '@a', ''])(
  'refuses the path %j',
  async (path) => {
    const options = { output: join(directory, 'no.img'), name: 'a', version: '1', extraFiles: { [path]: 'x' } };
    await expect(buildAmphoraImage(options)).rejects.toMatchObject({ code: 'USAGE' });
    expect(readdirSync(directory)).not.toContain('no.img');
  },
);

it('says which program can not be bundled', async () => {
  const entry = join(directory, 'missing.ts');
  const options = { output: join(directory, 'no.img'), name: 'a', version: '1', entry };
  await expect(buildAmphoraImage(options)).rejects.toMatchObject({
    code: 'IMAGE_BROKEN',
    message: expect.stringContaining(`${entry} can't be bundled`),
  });
});

it('names no user, group or machine in the archive', async () => {
  const image = await buildAmphoraImage({ output: join(directory, 'bare.img'), name: 'a', version: '1' });
  const header = gunzipSync(readFileSync(image.file)).subarray(0, 512);
  const userAndGroup = Buffer.concat([header.subarray(108, 124), header.subarray(265, 329)]);
  expect(userAndGroup.toString().replace(/[\0 0]/g, '')).toBe('');
});
