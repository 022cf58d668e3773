import { isForgotten, unknownPart } from '../../../core/operations/unknown-operation.ts';
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
  async run({ arguments: [id = ''], context, clock }) {
    const found = await (await context.journal()).get(id);
    if (!found) throw new KilnError('OPERATION_NOT_FOUND', `there is no operation ${id}`);
    const { operation, entries } = found;
    const unknown = isForgotten(operation, clock.now())
      ? unknownPart(operation, entries, await context.knownFlows())
      : null;
    return {
      document: { ...operation, unknown, journal: entries },
      ids: [operation.id],
      render: (view) => renderOperation(operation, entries, unknown, view),
    };
  },
});
