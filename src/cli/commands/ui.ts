import { KilnError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import { parseWhole } from '../options.ts';

export const ui = defineCommand<{ port?: number; open?: boolean }>({
  noun: null,
  verb: 'ui',
  summary: 'Serve the web page on this host alone, signed in through the control socket',
  description:
    'Prints an address on 127.0.0.1 with a code in it that is good once, for ten minutes: whoever opens it is an administrator of ' +
    'all load balancers, as whoever may open the control socket. When it has been used, the address of a further window is ' +
    'printed. Asks Keystone for nothing. From a laptop: `ssh -L 8081:127.0.0.1:8081 CONTROLLER kiln ui --port 8081`. Ctrl-C ends it and every window.',
  options: [
    {
      flags: '--port <port>',
      help: 'the port on 127.0.0.1 (default: any that is free)',
      parse: parseWhole('--port', 1, 65_535),
    },
    { flags: '--open', help: 'open the address in a browser, where there is one' },
  ],
  examples: ['kiln ui', 'kiln ui --open', 'kiln ui --port 8081'],
  exits: ['cloudUnreachable'],
  async run({ options, context, stdout, remark, json, quiet }) {
    const served = await context.status();
    if (served === null) {
      throw new KilnError('SERVICE_UNREACHABLE', 'no `kiln serve` answers here', {
        advice:
          'Start one with `kiln serve`, with the same octavia.conf as this command. ' +
          'A process that was started with --role has no control socket: use the page of the API, under /ui.',
      });
    }
    let isFirst = true;
    await context.ui({
      port: options.port ?? null,
      opens: options.open ?? false,
      onAddress(address) {
        if (json) stdout.write(`${JSON.stringify({ address })}\n`);
        else if (quiet) stdout.write(`${address}\n`);
        else stdout.write(`${isFirst ? 'Open' : 'For another window'}: ${address}\n`);
        isFirst = false;
      },
      onNoBrowser: () => remark('No browser could be started: open the address yourself.'),
    });
    return null;
  },
});
