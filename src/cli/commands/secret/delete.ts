import { defineCommand } from '../../command.ts';

export const secretDelete = defineCommand({
  noun: 'secret',
  verb: 'delete',
  summary: 'Delete what is kept under a reference',
  description:
    'Amphorae that have it go on showing it. But a listener that still refers to it can not be changed any more.',
  arguments: [{ name: 'REFERENCE', help: 'a UUID, or a URL that ends in it' }],
  examples: ['kiln secret delete 6f0f4d1f-2f7a-4b0a-9a53-0d6f2f1c8f3e'],
  exits: [],
  async run({ arguments: [reference = ''], context }) {
    const secret = await (await context.secrets()).delete(reference);
    return { document: secret, ids: [secret.reference], render: () => `Secret ${secret.reference} is deleted.` };
  },
});
