import { defineCommand } from '../../command.ts';
import { plural } from '../../format/duration.ts';
import { renderSecrets } from './render.ts';

export const secretList = defineCommand({
  noun: 'secret',
  verb: 'list',
  summary: 'List what is kept for listeners and pools: references, names, ends',
  description: 'What is of no use is listed too; --json says why it is not.',
  examples: ['kiln secret list', 'kiln secret list --json'],
  exits: [],
  async run({ context }) {
    const secrets = await (await context.secrets()).list();
    return {
      document: secrets,
      ids: secrets.map(({ reference }) => reference),
      render: (view) =>
        secrets.length === 0 ? 'No secret.' : `${renderSecrets(secrets, view)}\n\n${plural(secrets.length, 'secret')}`,
    };
  },
});
