import type { Amphora } from '../../../model/amphora.ts';
import { KilnError } from '../../../model/errors.ts';
import type { ComputeService } from '../../../ports/compute.ts';
import { defineCommand } from '../../command.ts';
import { printableLines } from '../../format/printable.ts';
import { parseWhole } from '../../options.ts';

const defaultLines = 100;

export const amphoraConsole = defineCommand<{ lines?: number }>({
  noun: 'amphora',
  verb: 'console',
  summary: 'Show what an amphora wrote on its serial console, as Nova kept it',
  description:
    'For one that boots and does not answer: how far its system came. Nova keeps it as long as the server is there. What would move ' +
    "a terminal's cursor or colour is left out; --json has it as it was written.",
  arguments: [{ name: 'ID', help: 'the amphora' }],
  options: [
    {
      flags: '--lines <number>',
      help: `the last so many lines (default: ${defaultLines})`,
      parse: parseWhole('--lines', 1, 100_000),
    },
  ],
  examples: [
    'kiln amphora console 0d6f2f1c-8f3e-4b0a-9a53-6f0f4d1f2f7a',
    'kiln amphora console 0d6f2f1c-8f3e-4b0a-9a53-6f0f4d1f2f7a --lines 1000',
  ],
  exits: ['cloudUnreachable'],
  async run({ arguments: [id = ''], options: { lines = defaultLines }, context }) {
    const { operations } = await context.amphorae();
    const amphora = await operations.get(id);
    const compute = await context.compute();
    const serverId = await serverOf(amphora, compute);
    const output = await compute.getConsoleOutput(serverId, lines);
    return {
      document: { amphoraId: id, serverId, output },
      ids: [serverId],
      render: () => (output.trim() === '' ? `Server ${serverId} has written nothing yet.` : withoutEscapes(output)),
    };
  },
});

/** One whose creation was broken off is known by its name alone. */
async function serverOf({ id, status, computeId, serverName }: Amphora, compute: ComputeService): Promise<string> {
  const serverId = computeId ?? (await compute.findServersByName(serverName))[0]?.id;
  if (serverId !== undefined && status !== 'DELETED') return serverId;
  throw new KilnError('RESOURCE_NOT_FOUND', `amphora ${id} (${status}) has no server, and so no console`, {
    advice: `\`kiln amphora show ${id}\` tells what became of it.`,
  });
}

/** Control sequences of ECMA-48 (colours, cursor) and titles are taken out whole; what is left of others shows as such. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to be taken out.
const sequences = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_c])/gu;

function withoutEscapes(output: string): string {
  return printableLines(output.replace(sequences, '')).trimEnd();
}
