import { defineCommand } from '../../command.ts';

export const amphoraDelete = defineCommand({
  noun: 'amphora',
  verb: 'delete',
  summary: 'Delete an amphora and its server',
  description:
    'Deleting one that is deleted is success. One that a load balancer has is deleted in ERROR alone: else the load balancer is ' +
    'failed over or deleted.',
  arguments: [{ name: 'ID', help: 'the amphora' }],
  examples: ['kiln amphora delete 0d6f2f1c-8f3e-4b0a-9a53-6f0f4d1f2f7a'],
  exits: ['cloudUnreachable'],
  async run({ arguments: [id = ''], context }) {
    const { operations } = await context.amphorae();
    const amphora = await operations.delete(id);
    return { document: amphora, ids: [amphora.id], render: () => `Amphora ${amphora.id} is ${amphora.status}.` };
  },
});
