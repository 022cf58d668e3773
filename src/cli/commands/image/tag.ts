import { KilnError, toKilnError } from '../../../model/errors.ts';
import type { Image } from '../../../model/image.ts';
import { defineCommand } from '../../command.ts';
import { plural } from '../../format/duration.ts';
import { parseTag } from '../../options.ts';
import { findImage, listEvenHidden } from './find.ts';

const named = (image: Image): string => (image.name ? `${image.id} (${image.name})` : image.id);

/** Why amphorae would not boot this image although it carries the tag; null when nothing speaks against it. */
function notBootable(image: Image): string | null {
  if (image.status !== 'active') return `is ${image.status}`;
  return image.osHidden ? 'is hidden' : null;
}

export const imageTag = defineCommand<{ move?: boolean }>({
  noun: 'image',
  verb: 'tag',
  summary: 'Put a tag on an image',
  description:
    'With --move the tag is put on this image first and then taken off the other images of the same owner, so that ' +
    'at no moment no image carries it. This is how a new amphora image is released.',
  arguments: [
    { name: 'IMAGE', help: 'ID or name' },
    { name: 'TAG', help: 'the tag' },
  ],
  options: [{ flags: '--move', help: 'then take the tag off the other images of the same owner' }],
  examples: ['kiln image tag amphora-2026.2 amphora --move'],
  exits: ['noUsableImage', 'cloudUnreachable'],
  async run({ arguments: [idOrName = '', text = ''], options, context, signal, remark }) {
    const tag = parseTag(text);
    const images = await context.images();
    const before = await findImage(images, idOrName, signal);
    const obstacle = notBootable(before);
    if (obstacle && options.move) {
      throw new KilnError(
        'IMAGE_NOT_FOUND',
        `image ${named(before)} ${obstacle}: with the tag moved, no image could be booted`,
        {
          advice: 'Move the tag to an active image that is not hidden; nothing was changed.',
        },
      );
    }
    await images.addTag(before.id, tag);
    const image = await images.get(before.id, signal);
    if (!image.tags.includes(tag)) {
      throw new KilnError(
        'SERVICE_RESPONSE_INVALID',
        `Glance took the tag \`${tag}\` and does not show it on image ${named(image)}`,
      );
    }
    if (obstacle) remark(`warning: image ${named(image)} ${obstacle}; amphorae will not boot it until that changes`);

    const untagged: string[] = [];
    if (options.move) {
      const query = { tags: [tag], visibility: 'all' as const, ...(image.owner !== null && { owner: image.owner }) };
      const others = (await listEvenHidden(images, query, signal)).filter(
        (other) => other.id !== image.id && other.owner === image.owner,
      );
      const faults: string[] = [];
      for (const other of others) {
        try {
          await images.removeTag(other.id, tag);
          untagged.push(other.id);
        } catch (error) {
          faults.push(`${named(other)}: ${toKilnError(error).message}`);
        }
      }
      if (faults.length > 0) {
        throw new KilnError(
          'SERVICE_REJECTED_REQUEST',
          `image ${named(image)} carries \`${tag}\` now, but the tag could not be taken off ${plural(faults.length, 'image')}: ${faults.join('; ')}`,
          {
            advice: `The newest of them is booted. Take it off them as their owner: \`kiln image untag IMAGE ${tag}\`.`,
            details: { imageId: image.id, tag, untagged },
          },
        );
      }
    }
    return {
      document: { image, tag, untagged },
      ids: [image.id],
      render: () =>
        [
          `Image ${named(image)} carries \`${tag}\`.`,
          ...untagged.map((id) => `Image ${id} no longer does.`),
          ...(options.move && untagged.length === 0 ? ['No other image of its owner carried it.'] : []),
        ].join('\n'),
    };
  },
});

export const imageUntag = defineCommand({
  noun: 'image',
  verb: 'untag',
  summary: 'Take a tag off an image',
  arguments: [
    { name: 'IMAGE', help: 'ID or name' },
    { name: 'TAG', help: 'the tag' },
  ],
  examples: ['kiln image untag amphora-2026.1 amphora'],
  exits: ['noUsableImage', 'cloudUnreachable'],
  // No parseTag: a tag that could not be found may still have to be taken off.
  async run({ arguments: [idOrName = '', tag = ''], context, signal }) {
    const images = await context.images();
    const before = await findImage(images, idOrName, signal);
    const carried = before.tags.includes(tag);
    await images.removeTag(before.id, tag);
    const image = await images.get(before.id, signal);
    if (image.tags.includes(tag)) {
      throw new KilnError(
        'SERVICE_RESPONSE_INVALID',
        `Glance took the tag \`${tag}\` off image ${named(image)} and still shows it`,
      );
    }
    const left = tag.trim() === '' ? [] : await listEvenHidden(images, { tags: [tag], visibility: 'all' }, signal);
    return {
      document: { image, tag, carried, carriedStillBy: left.map((other) => other.id) },
      ids: [image.id],
      render: () =>
        [
          carried
            ? `Image ${named(image)} no longer carries \`${tag}\`.`
            : `Image ${named(image)} did not carry \`${tag}\`.`,
          left.length === 0
            ? 'No image carries it now.'
            : `${plural(left.length, 'image still carries it', 'images still carry it')}: ${left.map((other) => other.id).join(', ')}.`,
        ].join('\n'),
    };
  },
});
