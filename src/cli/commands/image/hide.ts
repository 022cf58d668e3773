import { defineCommand } from '../../command.ts';
import { findImage } from './find.ts';

function hiding(
  verb: 'hide' | 'unhide',
  hidden: boolean,
  summary: string,
  said: string,
): ReturnType<typeof defineCommand> {
  return defineCommand({
    noun: 'image',
    verb,
    summary,
    description:
      'A hidden image keeps its tags and is no candidate for new amphorae; those that run it are not touched.',
    arguments: [{ name: 'IMAGE', help: 'ID or name' }],
    examples: [`kiln image ${verb} amphora-2026.1`],
    exits: ['noUsableImage', 'cloudUnreachable'],
    async run({ arguments: [idOrName = ''], context, signal }) {
      const images = await context.images();
      const { id } = await findImage(images, idOrName, signal);
      await images.setHidden(id, hidden);
      const image = await images.get(id, signal);
      return { document: image, ids: [id], render: () => `Image ${id} ${said}.` };
    },
  });
}

export const imageHide = hiding('hide', true, 'Take an image out of the choice, its tags kept', 'is hidden');
export const imageUnhide = hiding('unhide', false, 'Let a hidden image be chosen again', 'is no longer hidden');
