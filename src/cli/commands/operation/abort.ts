import { defineCommand } from '../../command.ts';
import { renderLeftovers } from './render.ts';

export const operationAbort = defineCommand({
  noun: 'operation',
  verb: 'abort',
  summary: 'End an operation that does not end by itself, and say what it leaves behind',
  description:
    'Nothing more is done or undone: what the operation had pending is in ERROR, with the reason, and a worker that still ' +
    'has it is kept out of it. Then fail the load balancer over, or delete it: both find what is left of its amphorae. ' +
    'Works through a running `kiln serve`, or on the database when none runs; the cloud is not asked.',
  arguments: [{ name: 'ID', help: 'the operation' }],
  examples: [
    'kiln operation abort 3f0d6f2f-8f3e-4b0a-9a53-6f0f4d1f2f7a',
    'kiln operation abort 3f0d6f2f-8f3e-4b0a-9a53-6f0f4d1f2f7a --json',
  ],
  exits: [],
  async run({ arguments: [id = ''], context }) {
    const aborted = await context.abortOperation(id);
    const { flow, subject, leftovers, lastWorker } = aborted;
    return {
      document: aborted,
      ids: [aborted.id],
      render: (view) =>
        [
          `Operation ${aborted.id} (${flow}) on ${subject} is aborted.`,
          renderLeftovers(leftovers, view) ?? 'Nothing is known to be left behind.',
          ...(lastWorker === null ? [] : [`Worker ${lastWorker} had it and may still end the step that it is at.`]),
        ].join('\n'),
    };
  },
});
