import { defineCommand } from '../../command.ts';
import { findImage } from './find.ts';
import { renderImage } from './render.ts';

export const imageShow = defineCommand({
  noun: 'image',
  verb: 'show',
  summary: 'Show one image',
  arguments: [{ name: 'IMAGE', help: 'ID or name' }],
  examples: ['kiln image show amphora-2026.1'],
  exits: ['noUsableImage', 'cloudUnreachable'],
  async run({ arguments: [idOrName = ''], context, signal }) {
    const image = await findImage(await context.images(), idOrName, signal);
    return { document: image, ids: [image.id], render: (view) => renderImage(image, view) };
  },
});
