import { type Static, Type } from 'typebox';
import type { ServiceCall } from '../../model/errors.ts';
import type { Image } from '../../model/image.ts';
import { type Reader, readerOf } from './answers.ts';

const text = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const wholeNumber = Type.Integer({ minimum: 0 });
const time = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z?$' });

/** What Kiln reads of an image. Fields that Glance may leave out, or that old ones don't have, are optional. */
const glanceImage = Type.Object({
  id: Type.String({ minLength: 1 }),
  name: text,
  status: Type.String({ minLength: 1 }),
  tags: Type.Array(Type.String()),
  owner: text,
  visibility: Type.String(),
  os_hidden: Type.Optional(Type.Boolean()),
  protected: Type.Optional(Type.Boolean()),
  size: Type.Optional(Type.Union([wholeNumber, Type.Null()])),
  min_disk: wholeNumber,
  min_ram: wholeNumber,
  disk_format: text,
  container_format: text,
  os_hash_algo: text,
  os_hash_value: text,
  hw_architecture: text,
  architecture: text,
  created_at: time,
  updated_at: time,
});

export const readImage = readerOf(glanceImage);

const readPage = readerOf(Type.Object({ images: Type.Array(glanceImage), next: Type.Optional(Type.String()) }));

/** One page of a listing; `next` is only whether Glance says that there is more. */
export const readImagePage: Reader<{ call: ServiceCall; images: Image[]; next: boolean }> = (answer) => {
  const { images, next } = readPage(answer);
  return { call: answer.call, images: images.map(imageOf), next: next !== undefined };
};

export function imageOf(image: Static<typeof glanceImage>): Image {
  return {
    id: image.id,
    name: image.name ?? null,
    status: image.status,
    tags: image.tags,
    owner: image.owner ?? null,
    visibility: image.visibility,
    osHidden: image.os_hidden ?? false,
    protected: image.protected ?? false,
    sizeBytes: image.size ?? null,
    minDiskGiB: image.min_disk,
    minRamMiB: image.min_ram,
    architecture: image.hw_architecture ?? image.architecture ?? null,
    diskFormat: image.disk_format ?? null,
    containerFormat: image.container_format ?? null,
    hashAlgorithm: image.os_hash_algo ?? null,
    hashValue: image.os_hash_value ?? null,
    createdAt: image.created_at,
    updatedAt: image.updated_at,
  };
}
