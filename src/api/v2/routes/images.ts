import type { FastifyInstance } from 'fastify';
import type { ApiDeps } from '../deps.ts';
import { imagesAnswer, tagHistoryAnswer } from '../schemas/image.ts';
import { imageToWire, taggedImageToWire } from '../wire/image.ts';
import { authorizeCaller } from './reads.ts';

/** Of more, the newest: who releases an image that is older names its ID. */
const MOST_IMAGES = 200;

/** Images for amphorae, and which of them carried the tag: of Kiln, not of Octavia. */
export function imageRoutes(
  app: FastifyInstance,
  { releasableImages, tagHistory, policy }: Pick<ApiDeps, 'releasableImages' | 'tagHistory' | 'policy'>,
): void {
  app.get('/kiln/images', { schema: { response: { 200: imagesAnswer } } }, async (request) => {
    authorizeCaller(policy, 'release:post_plan', request);
    return { images: (await releasableImages()).slice(0, MOST_IMAGES).map(imageToWire) };
  });

  app.get('/kiln/images/tag-history', { schema: { response: { 200: tagHistoryAnswer } } }, async (request) => {
    authorizeCaller(policy, 'fleet:get_one', request);
    return { tag_history: (await tagHistory()).map(taggedImageToWire) };
  });
}
