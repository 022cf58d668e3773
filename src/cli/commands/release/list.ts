import { defineCommand } from '../../command.ts';
import { parseWhole } from '../../options.ts';
import { renderTable } from '../../output/table.ts';
import { releaseDocument } from './document.ts';
import { releaseColumns } from './render.ts';

const USUAL = 20;

export const releaseList = defineCommand<{ limit?: number; after?: string }>({
  noun: 'release',
  verb: 'list',
  summary: 'List releases, newest first',
  options: [
    { flags: '--limit <number>', help: `at most so many (default: ${USUAL})`, parse: parseWhole('--limit', 1, 1000) },
    { flags: '--after <id>', help: 'those that are older than this one' },
  ],
  examples: ['kiln release list', 'kiln release list --limit 5 --json'],
  exits: [],
  async run({ options: { limit = USUAL, after = null }, context }) {
    const found = await (await context.releases()).list(limit, after);
    return {
      document: found.map(releaseDocument),
      ids: found.map(({ spec }) => spec.id),
      render: (view) =>
        found.length === 0
          ? 'No release. `kiln release plan` shows what one would do.'
          : renderTable(releaseColumns(view), found, view),
    };
  },
});
