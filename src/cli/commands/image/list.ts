import type { ImageQuery } from '../../../ports/images.ts';
import { defineCommand } from '../../command.ts';
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
  description: 'Newest first. Of several --tag, an image has to carry all.',
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
  async run({ options, context, signal }) {
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
    return {
      document: found,
      ids: found.map((image) => image.id),
      render: (view) =>
        found.length === 0 ? 'No such image.' : `${renderImages(found, view)}\n\n${plural(found.length, 'image')}`,
    };
  },
});
