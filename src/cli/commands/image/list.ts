import type { ImageUse } from '../../../core/fleet/image-use.ts';
import { toKilnError } from '../../../model/errors.ts';
import type { ImageQuery } from '../../../ports/images.ts';
import { defineCommand } from '../../command.ts';
import type { CliContext } from '../../context.ts';
import { plural } from '../../format/duration.ts';
import { parseTag } from '../../options.ts';
import { renderImages } from './render.ts';

interface Options {
  tag?: string[];
  owner?: string;
  status?: string;
  hidden?: boolean;
}

export const imageList = defineCommand<Options>({
  noun: 'image',
  verb: 'list',
  summary: 'List the images that these credentials can see',
  description:
    'Newest first. Of several --tag, an image has to carry all. IN USE: amphorae that run it; only where the database can be read.',
  options: [
    {
      flags: '--tag <tag>',
      help: 'only images that carry exactly this tag; may be repeated',
      repeatable: true,
      parse: parseTag,
    },
    { flags: '--owner <project>', help: 'only images of this project (an ID, or "own")' },
    { flags: '--status <status>', help: 'only images in this status, such as active' },
    { flags: '--hidden', help: 'the hidden images instead of the others' },
  ],
  examples: ['kiln image list --tag amphora', 'kiln image list --owner own --json'],
  exits: ['cloudUnreachable'],
  async run({ options, context, signal, remark }) {
    const images = await context.images();
    const owner =
      options.owner === 'own' ? (await (await context.identity()).authenticatedAs()).projectId : options.owner;
    const query: ImageQuery = {
      ...(options.tag && { tags: options.tag }),
      ...(owner !== undefined && { owner }),
      ...(options.status !== undefined && { status: options.status }),
      ...(options.hidden && { hidden: true }),
      visibility: 'all',
    };
    const found = await images.list(query, signal);
    const uses = await usesOf(context, remark);
    return {
      document: uses ? found.map((image) => ({ ...image, inUse: uses.get(image.id) ?? unused })) : found,
      ids: found.map((image) => image.id),
      render: (view) =>
        found.length === 0
          ? 'No such image.'
          : `${renderImages(found, uses, view)}\n\n${plural(found.length, 'image')}`,
    };
  },
});

const unused: ImageUse = { amphorae: 0, assigned: 0 };

/** Null where that can't be known: images can be listed without a database. */
async function usesOf(
  context: CliContext,
  remark: (text: string) => void,
): Promise<ReadonlyMap<string, ImageUse> | null> {
  try {
    return (await (await context.knownImages())?.())?.uses ?? null;
  } catch (thrown) {
    remark(`what is in use is not shown: ${toKilnError(thrown).message}`);
    return null;
  }
}
