import { defineCommand } from '../../command.ts';
import { plural } from '../../format/duration.ts';
import { renderAmphorae } from './render.ts';

export const amphoraList = defineCommand<{ all?: boolean }>({
  noun: 'amphora',
  verb: 'list',
  summary: 'List the amphorae that Kiln knows',
  options: [{ flags: '--all', help: 'the deleted ones as well' }],
  examples: ['kiln amphora list', 'kiln amphora list --all --json'],
  exits: ['cloudUnreachable'],
  async run({ options, context }) {
    const { operations } = await context.amphorae();
    const amphorae = await operations.list({ includeDeleted: options.all === true });
    return {
      document: amphorae,
      ids: amphorae.map((amphora) => amphora.id),
      render: (view) =>
        amphorae.length === 0
          ? 'No amphora.'
          : `${renderAmphorae(amphorae, view)}\n\n${plural(amphorae.length, 'amphora', 'amphorae')}`,
    };
  },
});
