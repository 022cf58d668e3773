import { KilnError } from '../../../model/errors.ts';
import type { Image } from '../../../model/image.ts';
import type { ImageService } from '../../../ports/images.ts';

/** The image with this ID or, where no image has it, with this name: hidden ones and other projects' as well. */
export async function findImage(images: ImageService, idOrName: string, signal: AbortSignal): Promise<Image> {
  try {
    return await images.get(idOrName, signal);
  } catch (error) {
    if (!(error instanceof KilnError) || error.code !== 'SERVICE_NOT_FOUND') throw error;
  }
  const named = await listEvenHidden(images, { name: idOrName, visibility: 'all' }, signal);
  const [only, ...others] = named;
  if (!only) {
    throw new KilnError('IMAGE_NOT_FOUND', `no image has the ID or the name "${idOrName}"`, {
      advice: '`kiln image list` shows the images that can be seen with these credentials; hidden ones with --hidden.',
    });
  }
  if (others.length > 0) {
    throw new KilnError('USAGE', `${named.length} images are named "${idOrName}"`, {
      advice: `Give the ID of one of them: ${named.map((image) => image.id).join(', ')}.`,
      details: { imageIds: named.map((image) => image.id) },
    });
  }
  return only;
}

/** Glance lists either the hidden images or the others, never both. */
export async function listEvenHidden(
  images: ImageService,
  query: Parameters<ImageService['list']>[0],
  signal: AbortSignal,
): Promise<Image[]> {
  const shown = await images.list(query, signal);
  const hidden = await images.list({ ...query, hidden: true }, signal);
  return [...shown, ...hidden];
}
