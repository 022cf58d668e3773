import { defineCommand } from '../../command.ts';
import { plural } from '../../format/duration.ts';
import { parseWhole } from '../../options.ts';
import { type Column, renderTable } from '../../output/table.ts';

const USUALLY_SHOWN = 50;

interface Change {
  at: string;
  tag: string;
  what: string;
  imageId: string;
  imageName: string | null;
}

export const imageHistory = defineCommand<{ limit?: number }>({
  noun: 'image',
  verb: 'history',
  summary: 'Show when images got the tags of amphorae, and when they lost them',
  description:
    'Newest first. A running `kiln serve` (role housekeeping) looks at Glance every 30 seconds; times are of its looks. Also what was done ' +
    'by other means than Kiln is here; by whom, Glance does not say. `kiln release history` has what releases did, and why.',
  options: [
    {
      flags: '--limit <n>',
      help: `so many images (default: ${USUALLY_SHOWN})`,
      parse: parseWhole('--limit', 1, 1000),
    },
  ],
  examples: ['kiln image history', 'kiln image history --limit 5 --json'],
  exits: [],
  async run({ options: { limit = USUALLY_SHOWN }, context }) {
    const tagged = await context.tagHistory(limit);
    return {
      document: tagged,
      ids: tagged.map(({ imageId }) => imageId),
      render: (view) => {
        const changes = tagged
          .flatMap(({ tag, imageId, imageName, seenAt, wasThere, goneAt }): Change[] => [
            { at: seenAt, tag, imageId, imageName, what: wasThere ? 'carries it at the first look' : 'carries it' },
            ...(goneAt === null ? [] : [{ at: goneAt, tag, imageId, imageName, what: 'no longer carries it' }]),
          ])
          .sort((one, other) => other.at.localeCompare(one.at));
        const columns: Column<Change>[] = [
          { title: 'SEEN', value: ({ at }) => at },
          { title: 'TAG', value: ({ tag }) => tag, minimum: 6 },
          { title: 'IMAGE', value: ({ imageId }) => imageId },
          { title: 'NAME', value: ({ imageName }) => imageName ?? '-', minimum: 8, cut: 'middle', drop: 1 },
          { title: 'WHAT', value: ({ what }) => what, minimum: 12 },
        ];
        return changes.length === 0
          ? 'No look at Glance is recorded; `kiln serve` (role housekeeping) looks every 30 seconds.'
          : `${renderTable(columns, changes, view)}\n\n${plural(tagged.length, 'image')}`;
      },
    };
  },
});
