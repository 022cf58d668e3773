import type { ImageRequest } from '../../../ports/image-resolver.ts';
import { defineCommand } from '../../command.ts';
import { parseTag } from '../../options.ts';
import { renderCandidates, renderChoice, renderRefused } from './choice.ts';

interface Options {
  tag?: string;
  flavor?: string;
  why?: boolean;
}

export const imageResolve = defineCommand<Options>({
  noun: 'image',
  verb: 'resolve',
  summary: 'Say which image the next amphora would boot, and why',
  description:
    'Asks Glance now, as a boot would, and checks the fit to the compute flavor. With --why it lists as well the ' +
    'images that carry the tag and were refused.',
  options: [
    { flags: '--tag <tag>', help: 'as if this tag were configured', parse: parseTag },
    { flags: '--flavor <ID>', help: 'the Nova flavor to fit (default: [controller_worker] amp_flavor_id)' },
    { flags: '--why', help: 'name the refused images and the reasons' },
  ],
  examples: ['kiln image resolve', 'kiln image resolve --tag amphora-next --why'],
  exits: ['noUsableImage', 'severalImages', 'cloudUnreachable'],
  async run({ options, context, signal }) {
    const flavorId = options.flavor ?? (await context.settings()).flavorId;
    const request: ImageRequest = {
      tag: options.tag === undefined ? null : { value: options.tag, source: 'request' },
      flavorId,
      signal,
    };
    const resolver = await context.resolver();
    const { choice, refused } = options.why
      ? await resolver.explain(request)
      : { choice: await resolver.resolve(request), refused: null };
    const fit = fitInWords(choice.image === null, flavorId);
    return {
      document: { choice, flavorId, ...(refused && { refused }) },
      ids: [choice.imageId],
      render: (view) => {
        const parts = [renderChoice(choice, view, [['Fit', fit]])];
        if (choice.candidates.length > 1 || (options.why && choice.candidates.length > 0)) {
          parts.push(renderCandidates(choice.candidates, view));
        }
        if (refused) parts.push(refused.length > 0 ? renderRefused(refused, view) : 'No image was refused.');
        return parts.join('\n\n');
      },
    };
  },
});

function fitInWords(unknownImage: boolean, flavorId: string | null): string {
  if (unknownImage) return 'not checked: Glance was not asked';
  return flavorId === null ? 'not checked: no flavor is configured' : `fits flavor ${flavorId}`;
}
