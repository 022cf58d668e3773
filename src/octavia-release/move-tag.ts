import { KilnError } from '../model/errors.ts';
import type { Image } from '../model/image.ts';
import type { OctaviaHold, OctaviaReleaseStart } from '../model/octavia-release.ts';
import type { ReleaseDeps } from './deps.ts';

/**
 * Adds the tag where it is to be, then takes it off where it was: at no moment is it on no image. Idempotent.
 * @returns a hold where the image that shall have it can't be booted any more; nothing was changed then.
 */
export async function moveTag(
  { images }: Pick<ReleaseDeps, 'images'>,
  { tag, image, formerImageIds }: OctaviaReleaseStart,
  to: 'new' | 'former',
): Promise<OctaviaHold | null> {
  const [wanted, others] = to === 'new' ? [[image.id], formerImageIds] : [formerImageIds, [image.id]];
  const found = await Promise.all(wanted.map((id) => find(images, id)));
  const usable = found.filter((one) => one !== null).filter(({ status, osHidden }) => status === 'active' && !osHidden);
  if (usable.length === 0) {
    return {
      code: to === 'new' ? 'IMAGE_UNUSABLE' : 'NO_WAY_BACK',
      clears: 'operator',
      message: `image ${wanted.join(', ')} is gone, hidden or not active: the tag ${tag} was not moved`,
      advice: 'Bring it back (`openstack image set --activate`, `--unhidden`), then `kiln release resume --octavia`.',
    };
  }
  for (const { id } of usable) await images.addTag(id, tag);
  for (const id of others) {
    await images.removeTag(id, tag).catch((error: unknown) => {
      // An image that is gone has no tag.
      if (!isNotFound(error)) throw error;
    });
  }
  return null;
}

async function find(images: Pick<ReleaseDeps['images'], 'get'>, id: string): Promise<Image | null> {
  try {
    return await images.get(id);
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

const isNotFound = (error: unknown) => error instanceof KilnError && error.code === 'SERVICE_NOT_FOUND';
