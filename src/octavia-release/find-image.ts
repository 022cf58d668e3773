import { KilnError } from '../model/errors.ts';
import type { Image, ImageChoice } from '../model/image.ts';
import type { Clock } from '../ports/clock.ts';
import type { ImageResolver } from '../ports/image-resolver.ts';
import type { ImageService } from '../ports/images.ts';

/**
 * What Octavia boots for a tag: the newest active image that carries it. Which project has to own it stands in its
 * octavia.conf, which is not known here: images of all projects that may be seen count.
 */
export function listTagged(images: Pick<ImageService, 'list'>, tag: string, signal?: AbortSignal): Promise<Image[]> {
  return images.list({ tags: [tag], status: 'active' }, signal);
}

/** Why Octavia would not boot this image, whatever tags it carries; null: it would. */
export function whyNotBootable({ status, osHidden }: Image): string | null {
  if (status !== 'active') return `is ${status}`;
  return osHidden ? 'is hidden: no tag finds it' : null;
}

export function createTagResolver(
  images: Pick<ImageService, 'list'>,
  clock: Clock,
  defaultTag: string,
): Pick<ImageResolver, 'resolve'> {
  return {
    async resolve({ tag, signal }): Promise<ImageChoice> {
      const { value, source } = tag ?? { value: defaultTag, source: 'request' as const };
      const found = await listTagged(images, value, signal);
      const [image] = found;
      if (!image) {
        throw new KilnError('IMAGE_NOT_FOUND', `no active image carries the tag \`${value}\``, {
          advice: `Name the tag that amp_image_tag of octavia.conf has, with --tag; or tag an image: \`openstack image set --tag ${value} IMAGE\`.`,
          details: { tag: value },
        });
      }
      return {
        imageId: image.id,
        rule: found.length > 1 ? 'newest-of-several' : 'only-candidate',
        tag: value,
        tagSource: source,
        ownerRequired: 'any',
        image,
        candidates: found.map(({ id, name, createdAt }) => ({ id, name, createdAt })),
        chosenAt: clock.now().toISOString(),
      };
    },
  };
}
