import { KilnError } from '../../../model/errors.ts';
import { defineCommand } from '../../command.ts';
import { renderOperation } from './render.ts';

export const operationShow = defineCommand({
  noun: 'operation',
  verb: 'show',
  summary: 'Show one operation: its steps, how far they came, and why it was undone',
  arguments: [{ name: 'ID', help: 'the operation' }],
  examples: ['kiln operation show 3f0d6f2f-8f3e-4b0a-9a53-6f0f4d1f2f7a'],
  exits: [],
  async run({ arguments: [id = ''], context }) {
    const found = await (await context.journal()).get(id);
    if (!found) throw new KilnError('OPERATION_NOT_FOUND', `there is no operation ${id}`);
    return {
      document: { ...found.operation, journal: found.entries },
      ids: [found.operation.id],
      render: (view) => renderOperation(found.operation, found.entries, view),
    };
  },
});
