import { defineCommand } from '../command.ts';

export const serve = defineCommand({
  noun: null,
  verb: 'serve',
  summary: 'Run the controller until it is told to stop',
  description: 'SIGHUP reads the configuration again; SIGTERM and ctrl-C end it. Logs are JSON lines.',
  examples: ['kiln serve --config-file /etc/octavia/octavia.conf'],
  exits: ['cloudUnreachable'],
  async run({ context }) {
    await context.serve();
    return null;
  },
});
