import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ImageService } from './access.ts';
import { mutableImage, saveImage } from './access.ts';
import { ImageFault } from './fault.ts';
import { validateImage } from './schema.ts';

type OfTag = { Params: { id: string; tag: string } };

const tagQuota = 128;

/** MariaDB's utf8 has no characters beyond the basic plane, and Glance refuses them wherever it runs. */
const fourByteCharacter = /[\u{10000}-\u{10ffff}]/u;

/** The list without repetitions; 413 when it is longer than the quota, 400 for characters that Glance can't store. */
export function checkedTags(imageId: string, tags: readonly string[]): string[] {
  if (tags.some((tag) => fourByteCharacter.test(tag))) {
    throw new ImageFault(400, "Param values can't contain 4 byte unicode.");
  }
  const distinct = [...new Set(tags)];
  if (distinct.length > tagQuota) {
    throw new ImageFault(
      413,
      `Image tag limit exceeded for image ${imageId}: Attempted: ${distinct.length}, Maximum: ${tagQuota}:`,
    );
  }
  return distinct;
}

/**
 * The tag of the path. Glance's server takes every byte of the path for a character, so that a tag in another script is
 * stored garbled and a search for it finds nothing (test/recorded/glance, 60 to 62); PATCH sets such a tag right.
 */
function tagOf(request: FastifyRequest<OfTag>): string {
  if (request.params.tag.includes('/')) throw new ImageFault(404, 'The resource could not be found.');
  return Buffer.from(request.params.tag, 'utf8').toString('latin1');
}

/** `PUT` and `DELETE /v2/images/{id}/tags/{tag}`. */
export function tagRoutes(app: FastifyInstance, service: ImageService): void {
  app.put<OfTag>('/v2/images/:id/tags/:tag', async (request, reply) => {
    const tag = tagOf(request);
    validateImage({ tags: [tag] });
    const image = mutableImage(service, request, `Not allowed to update tags for image ${request.params.id}.`);
    saveImage(service.tables, image, { tags: checkedTags(image.id, [...image.tags, tag]) });
    return reply.code(204).send();
  });

  app.delete<OfTag>('/v2/images/:id/tags/:tag', async (request, reply) => {
    const tag = tagOf(request);
    const image = mutableImage(service, request, `Not allowed to delete tags for image ${request.params.id}.`);
    if (!image.tags.includes(tag)) throw new ImageFault(404, 'The resource could not be found.');
    saveImage(service.tables, image, { tags: image.tags.filter((candidate) => candidate !== tag) });
    return reply.code(204).send();
  });
}
