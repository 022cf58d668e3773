import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { createTurn } from '../../../src/lib/in-turn.ts';
import type { CloudUser } from './cloud-user.ts';
import { sleep } from './until.ts';

/** Glance's times have a resolution of one second. */
const NEXT_SECOND_MS = 1_100;

export interface RunImage {
  id: string;
  name: string;
}

/** The images of a run. Each bears the run's name, by which `removeLeftovers` finds it. */
export interface RunImages {
  /** Two that boot, uploaded when first asked for; the newer one was created later. */
  older(): Promise<RunImage>;
  newer(): Promise<RunImage>;
  /** One that boots, of the tenant's; created between the two. */
  planted(): Promise<RunImage>;
  /**
   * One more. It carries no tag.
   * @param options.content `boots` unless said otherwise; `bytes`, a few, where nothing may ever boot it; `none`: queued.
   */
  make(options: { suffix: string; by?: CloudUser; content?: 'boots' | 'bytes' | 'none' }): Promise<RunImage>;
  /** Lets these carry the tag and no others of the run. */
  carry(tag: string, ...images: readonly RunImage[]): Promise<void>;
  delete(image: RunImage): Promise<void>;
  /**
   * One change of an image after the other: with each, Glance writes all of the image's tags, and of two at once it may lose
   * one (glance/db/__init__.py, ImageRepo.save).
   */
  alone(change: () => Promise<unknown>): Promise<void>;
}

interface Options {
  runName: string;
  operator: CloudUser;
  tenant: CloudUser | null;
  /** Of the old image and the new one. */
  files: { old: string; new: string };
  /** Called with each image that was made, before it is uploaded. */
  made(id: string): void;
}

export function createRunImages({ runName, operator, tenant, files, made }: Options): RunImages {
  /** Who may change it. */
  const owners = new Map<string, CloudUser>();
  /** By tag. */
  const carriers = new Map<string, Set<string>>();
  const ownerOf = (id: string) => owners.get(id) ?? operator;

  async function make(
    file: string,
    { suffix, by = operator, content = 'boots' }: Parameters<RunImages['make']>[0],
  ): Promise<RunImage> {
    const { format, sizeBytes } = inspect(file);
    const name = `${runName}-${suffix}`;
    const { id } = await by.images.create({ name, diskFormat: format, containerFormat: 'bare' });
    const image = { id, name };
    owners.set(id, by);
    made(id);
    if (content === 'boots') await by.images.upload(id, createReadStream(file), sizeBytes);
    if (content === 'bytes') await by.images.upload(id, Readable.from([Buffer.from(name)]), name.length);
    return image;
  }
  const older = once(() => make(files.old, { suffix: 'old' }));
  const planted = once(async () => {
    if (!tenant) throw new Error('there is no tenant');
    await older();
    await sleep(NEXT_SECOND_MS);
    return await make(files.new, { suffix: 'planted', by: tenant });
  });

  const inTurn = createTurn();
  const alone = async (change: () => Promise<unknown>): Promise<void> => {
    await inTurn(change);
  };

  return {
    ...{ older, planted, alone },
    newer: once(async () => {
      await (tenant ? planted() : older());
      await sleep(NEXT_SECOND_MS);
      return await make(files.new, { suffix: 'new' });
    }),
    make: (options) => make(files.new, options),
    async carry(tag, ...images) {
      const before = carriers.get(tag) ?? new Set<string>();
      const wanted = new Set(images.map(({ id }) => id));
      carriers.set(tag, wanted);
      await alone(async () => {
        for (const { id } of images) await ownerOf(id).images.addTag(id, tag);
        for (const id of before) if (!wanted.has(id)) await ownerOf(id).images.removeTag(id, tag);
      });
    },
    async delete({ id }) {
      await ownerOf(id).images.delete(id);
      for (const wanted of carriers.values()) wanted.delete(id);
    },
  };
}

function once<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let done: Promise<Result> | null = null;
  return () => {
    done ??= work();
    return done;
  };
}

/** Glance gets to know what it gets: qcow2 by its first bytes, else raw. */
function inspect(file: string): { format: string; sizeBytes: number } {
  const head = Buffer.alloc(4);
  const descriptor = openSync(file, 'r');
  readSync(descriptor, head);
  closeSync(descriptor);
  return { format: head.toString('latin1') === 'QFI\xfb' ? 'qcow2' : 'raw', sizeBytes: statSync(file).size };
}
