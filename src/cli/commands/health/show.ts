import { defineCommand } from '../../command.ts';
import { renderSilence } from './render.ts';

const LARGEST_LIST = 100;

export const healthShow = defineCommand({
  noun: 'health',
  verb: 'show',
  summary: 'Show which amphorae are silent, what was found out about them, and whether failovers are stopped',
  description:
    'Read from the database; no `kiln serve` is needed. The 100 that have been silent for longest are listed.',
  examples: ['kiln health show', 'kiln health show --json'],
  exits: [],
  async run({ context }) {
    const silence = await context.silence();
    const [survey, silent] = [await silence.survey(), await silence.list(LARGEST_LIST)];
    return {
      document: { ...survey, amphorae: silent },
      ids: silent.map(({ id }) => id),
      render: (view) => renderSilence(survey, silent, view),
    };
  },
});
