import { defineCommand } from '../../command.ts';
import { plural } from '../../format/duration.ts';
import { renderSecrets } from './render.ts';

export const secretList = defineCommand<{ withoutOwner?: boolean }>({
  noun: 'secret',
  verb: 'list',
  summary: 'List what is kept for listeners and pools: references, names, owners, ends',
  description: 'What is of no use is listed too; --json says why it is not.',
  options: [{ flags: '--without-owner', help: 'those alone that no load balancer can use, as no project owns them' }],
  examples: ['kiln secret list', 'kiln secret list --without-owner --json'],
  exits: [],
  async run({ context, options }) {
    const all = await (await context.secrets()).list();
    const secrets = options.withoutOwner ? all.filter(({ projectId }) => projectId === null) : all;
    return {
      document: secrets,
      ids: secrets.map(({ reference }) => reference),
      render: (view) =>
        secrets.length === 0 ? 'No secret.' : `${renderSecrets(secrets, view)}\n\n${plural(secrets.length, 'secret')}`,
    };
  },
});
