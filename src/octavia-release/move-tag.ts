import { noneIfGone } from '../model/errors.ts';
import type { OctaviaHold, OctaviaReleaseStart } from '../model/octavia-release.ts';
import type { ReleaseDeps } from './deps.ts';
import { whyNotBootable } from './find-image.ts';

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
  const found = await Promise.all(wanted.map((id) => images.get(id).catch(noneIfGone)));
  const usable = found.filter((one) => one !== null).filter((one) => whyNotBootable(one) === null);
  if (usable.length === 0) {
    return {
      code: to === 'new' ? 'IMAGE_UNUSABLE' : 'NO_WAY_BACK',
      clears: 'operator',
      message: `image ${wanted.join(', ')} is gone, hidden or not active: the tag ${tag} was not moved`,
      advice: 'Bring it back (`openstack image set --activate`, `--unhidden`), then `kiln release resume --octavia`.',
    };
  }
  for (const { id } of usable) await images.addTag(id, tag);
  // An image that is gone has no tag.
  for (const id of others) await images.removeTag(id, tag).catch(noneIfGone);
  return null;
}
