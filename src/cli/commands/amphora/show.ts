import { defineCommand } from '../../command.ts';
import { renderCandidates } from '../image/choice.ts';
import { renderAmphora } from './render.ts';

export const amphoraShow = defineCommand({
  noun: 'amphora',
  verb: 'show',
  summary: 'Show one amphora: its image and why that one, server, address, times',
  arguments: [{ name: 'ID', help: 'the amphora' }],
  examples: ['kiln amphora show 0d6f2f1c-8f3e-4b0a-9a53-6f0f4d1f2f7a'],
  exits: ['cloudUnreachable'],
  async run({ arguments: [id = ''], context }) {
    const { operations } = await context.amphorae();
    const amphora = await operations.get(id);
    const candidates = amphora.imageChoice?.candidates ?? [];
    return {
      document: amphora,
      ids: [amphora.id],
      render: (view) =>
        [renderAmphora(amphora, view), ...(candidates.length > 1 ? [renderCandidates(candidates, view)] : [])].join(
          '\n\n',
        ),
    };
  },
});
