import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { SourceMap } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
let copy: string;

/** A checkout of its own, with the packages of this one. */
beforeAll(() => {
  copy = realpathSync(mkdtempSync(join(tmpdir(), 'kiln-build-')));
  for (const part of ['bin', 'src', 'scripts', 'package.json', 'package-lock.json']) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rmSync(copy, { recursive: true }));

function build(...options: string[]): void {
  execFileSync(process.execPath, [join(copy, 'scripts/build.ts'), '--quiet', ...options]);
}

function buildOnce(): void {
  if (!existsSync(join(copy, 'dist/kiln.mjs'))) build();
}

/** Builds this checkout into a folder; file → hash. */
function buildInto(folder: string): Record<string, string> {
  execFileSync(process.execPath, [join(root, 'scripts/build.ts'), '--quiet', '--output', folder]);
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const files = entries.filter((entry) => statSync(join(folder, entry)).isFile());
  return Object.fromEntries(
    files.map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(folder, file)))
        .digest('hex'),
    ]),
  );
}

const kiln = (...words: string[]) => spawnSync(join(copy, 'bin/kiln'), words, { encoding: 'utf8' });
const runsWhatIsBuilt = () => {
  // What is built has a mark that the sources lack.
  writeFileSync(
    join(copy, 'dist/build.json'),
    JSON.stringify({ version: '0.0.0-mark', commit: 'of-the-test', builtAt: null }),
  );
  return JSON.parse(kiln('version', '--json').stdout).version === '0.0.0-mark';
};

it('gives the same bytes again, with no path of the machine in them', () => {
  const first = buildInto(join(copy, 'first'));
  expect(Object.keys(first)).toEqual(expect.arrayContaining(['kiln.mjs', 'agent.mjs', 'build.json', 'LICENSES.txt']));
  expect(buildInto(join(copy, 'second'))).toEqual(first);
  for (const file of Object.keys(first)) {
    const text = readFileSync(join(copy, 'first', file), 'utf8');
    for (const path of [root, copy]) expect(text.includes(path), file).toBe(false);
  }
});

it('takes one byte a character in memory, and its source maps lead to the sources', () => {
  const first = join(copy, 'first');
  const chunks = readdirSync(first).filter((file) => file.endsWith('.mjs'));
  let found = 0;
  for (const chunk of chunks) {
    const lines = readFileSync(join(first, chunk), 'utf8').split('\n');
    expect(lines.filter((line) => /[\u0100-\uffff]/.test(line))).toEqual([]);
    // Behind words with characters that were escaped.
    const line = lines.findIndex(
      (text) => text.includes('function writeProperties(') || text.includes('function giveMemoryBack('),
    );
    if (line < 0) continue;
    const name = /function (writeProperties|giveMemoryBack)\(/.exec(lines[line] ?? '');
    const map = new SourceMap(JSON.parse(readFileSync(join(first, `${chunk}.map`), 'utf8')));
    const entry = map.findEntry(line, name?.index ?? 0) as { originalSource: string; originalLine: number };
    const source = readFileSync(join(root, entry.originalSource.replace(/^(?:\.\.\/)+/, '')), 'utf8').split('\n');
    expect(source[entry.originalLine]).toContain(`function ${name?.[1]}(`);
    found++;
  }
  expect(found).toBeGreaterThan(0);
});

it('names the licence of every package in it', () => {
  const licences = readFileSync(join(copy, 'first/LICENSES.txt'), 'utf8');
  for (const name of ['fastify', 'undici', 'kysely', 'mysql2', 'amqplib'])
    expect(licences).toMatch(new RegExp(`^${name} [0-9.]+ \\(`, 'm'));
});

it('runs by itself: an image is built from the agent in it, without the bundler', () => {
  buildOnce();
  rmSync(join(copy, 'src'), { recursive: true });
  const image = join(copy, 'amphora.img');
  const made = spawnSync(process.execPath, [join(copy, 'dist/kiln.mjs'), 'image', 'build', '--output', image], {
    encoding: 'utf8',
  });
  expect(made.stderr + made.stdout).toContain('amphora.img');
  expect(made.status).toBe(0);
  cpSync(join(root, 'src'), join(copy, 'src'), { recursive: true });
});

it('bin/kiln runs it while it is as new as the sources, else the sources', () => {
  buildOnce();
  const now = new Date();
  utimesSync(join(copy, 'dist/kiln.mjs'), now, now);
  expect(runsWhatIsBuilt()).toBe(true);
  const later = new Date(Date.now() + 60_000);
  utimesSync(join(copy, 'src/main/kiln.ts'), later, later);
  expect(runsWhatIsBuilt()).toBe(false);
});

it('--if-needed builds only then', () => {
  const later = new Date(Date.now() + 120_000);
  buildOnce();
  utimesSync(join(copy, 'dist/kiln.mjs'), later, later);
  expect(runsWhatIsBuilt()).toBe(true);
  build('--if-needed');
  expect(runsWhatIsBuilt()).toBe(true);
  const latest = new Date(Date.now() + 180_000);
  utimesSync(join(copy, 'src'), latest, latest);
  build('--if-needed');
  expect(readFileSync(join(copy, 'dist/build.json'), 'utf8')).not.toContain('0.0.0-mark');
});
