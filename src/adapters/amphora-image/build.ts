import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { create } from 'tar';
import { type AmphoraImageManifest, amphoraImageFormat, amphoraManifestFile } from '../../model/amphora-image.ts';
import { KilnError } from '../../model/errors.ts';

export interface AmphoraImageOptions {
  /** File to write; its folder is made where it is missing, and an older file is replaced at once, never half. */
  output: string;
  name: string;
  version: string;
  /** Program to bundle, TypeScript or JavaScript; Kiln's own agent where it is absent. */
  entry?: string;
  /** Further files: path in the image → content. */
  extraFiles?: Readonly<Record<string, string | Uint8Array>>;
}

export interface BuiltImage {
  file: string;
  sizeBytes: number;
  /** Hexadecimal, as Glance's os_hash_value. */
  sha512: string;
}

/** Kiln's own agent: bundled already where Kiln is (`scripts/build.ts`), else its source. */
const builtAgent = join(import.meta.dirname, 'agent.mjs');
const agentSource = join(import.meta.dirname, '..', '..', 'dev-agent', 'main.ts');
const entryInImage = 'agent.mjs';
/** All files bear this time: the same sources, name and version give the same bytes. */
const fixedTime = new Date('2020-01-01T00:00:00Z');

/**
 * Builds an image for the embedded cloud (see model/amphora-image.ts): bundles the agent into one ES module and packs it
 * with a manifest. USAGE when a path of `extraFiles` leaves the image or takes the place of a file that is always there;
 * IMAGE_BROKEN when the program can't be bundled.
 */
export async function buildAmphoraImage(options: AmphoraImageOptions): Promise<BuiltImage> {
  const manifest: AmphoraImageManifest = {
    format: amphoraImageFormat,
    name: options.name,
    version: options.version,
    entry: entryInImage,
  };
  const files: Record<string, string | Uint8Array> = {
    [amphoraManifestFile]: `${JSON.stringify(manifest, null, 2)}\n`,
    [entryInImage]: options.entry === undefined ? await agentProgram() : await bundle(resolve(options.entry)),
  };
  for (const path of Object.keys(options.extraFiles ?? {}).sort()) {
    // node-tar takes "@file" for an archive whose entries it should add.
    if (path in files || path === '' || resolve('/', path) !== `/${path}` || path.startsWith('@')) {
      throw new KilnError('USAGE', `"${path}" can't be the path of a file in the image.`, {
        advice: `Use a relative path other than ${Object.keys(files).join(', ')}.`,
      });
    }
    files[path] = options.extraFiles?.[path] ?? '';
  }
  const data = await pack(files);
  const file = resolve(options.output);
  await writeAtOnce(file, data);
  return { file, sizeBytes: data.length, sha512: createHash('sha512').update(data).digest('hex') };
}

/** Kiln's own agent as one ES module. */
export async function agentProgram(): Promise<string> {
  return existsSync(builtAgent) ? await readFile(builtAgent, 'utf8') : await bundle(agentSource);
}

async function bundle(entry: string): Promise<string> {
  try {
    // Large, and needed by nothing else.
    const { rolldown } = await import('rolldown');
    // The folder of the entry is the root: paths in the bundle's comments are the same wherever one calls from.
    await using build = await rolldown({ input: entry, platform: 'node', cwd: dirname(entry), logLevel: 'silent' });
    const { output } = await build.generate({ format: 'esm', codeSplitting: false });
    return output[0].code;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new KilnError('IMAGE_BROKEN', `The program ${entry} can't be bundled: ${message}`, {
      advice: 'Name a program that Node.js could run.',
      cause,
    });
  }
}

/** A gzipped tar of `files`, in their order, without owners, folders, or times of its own. */
async function pack(files: Readonly<Record<string, string | Uint8Array>>): Promise<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), 'kiln-image-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), content);
      await chmod(join(directory, path), 0o644);
    }
    const archive = create(
      { cwd: directory, gzip: { level: 9 }, portable: true, mtime: fixedTime, strict: true },
      Object.keys(files),
    );
    const chunks: Buffer[] = [];
    for await (const chunk of archive) chunks.push(chunk);
    return Buffer.concat(chunks);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function writeAtOnce(file: string, data: Buffer): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const partial = `${file}.${randomUUID()}.partial`;
  try {
    await writeFile(partial, data, { flush: true });
    await rename(partial, file);
  } catch (thrown) {
    await rm(partial, { force: true });
    throw thrown;
  }
}
