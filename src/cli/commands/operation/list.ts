import { isForgotten, type KnownFlows, unknownPart } from '../../../core/operations/unknown-operation.ts';
import { defineCommand } from '../../command.ts';
import { plural } from '../../format/duration.ts';
import { parseWhole } from '../../options.ts';
import { renderOperations } from './render.ts';

const defaultLimit = 20;

export const operationList = defineCommand<{ loadBalancer?: string; limit?: number }>({
  noun: 'operation',
  verb: 'list',
  summary: 'List the newest operations on load balancers: what was asked for, and what became of it',
  options: [
    { flags: '--load-balancer <id>', help: 'those on this load balancer alone' },
    {
      flags: '--limit <number>',
      help: `at most so many (default: ${defaultLimit})`,
      parse: parseWhole('--limit', 1, 1000),
    },
  ],
  examples: ['kiln operation list', 'kiln operation list --load-balancer 0d6f2f1c-8f3e-4b0a-9a53-6f0f4d1f2f7a --json'],
  exits: [],
  async run({ options, context, clock }) {
    const { loadBalancer: subject, limit = defaultLimit } = options;
    const journal = await context.journal();
    const operations = await journal.list({ ...(subject === undefined ? {} : { subject }), limit });
    const forgotten = operations.filter((operation) => isForgotten(operation, clock.now()));
    const entries = await journal.entriesOf(forgotten.map(({ id }) => id));
    const known: KnownFlows = forgotten.length > 0 ? await context.knownFlows() : new Map();
    const unknown = new Map(
      forgotten.flatMap((operation) => {
        const part = unknownPart(operation, entries.get(operation.id) ?? [], known);
        return part === null ? [] : [[operation.id, part] as const];
      }),
    );
    return {
      document: operations.map((operation) => ({ ...operation, unknown: unknown.get(operation.id) ?? null })),
      ids: operations.map(({ id }) => id),
      render: (view) =>
        operations.length === 0
          ? 'No operation.'
          : `${renderOperations(operations, unknown, view)}\n\n${plural(operations.length, 'operation')}`,
    };
  },
});
