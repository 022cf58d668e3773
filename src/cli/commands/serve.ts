import { KilnError } from '../../model/errors.ts';
import { serveRoles } from '../../model/serve-role.ts';
import { defineCommand } from '../command.ts';

export const serve = defineCommand<{ role?: string }>({
  noun: null,
  verb: 'serve',
  summary: 'Run the controller until it is stopped',
  description:
    'The load-balancer API, the workers that carry out what it is asked, the receiver of heartbeats, and housekeeping: in one process; or, with [DEFAULT] transport_url and a MySQL or MariaDB in [database] connection, each in as many as you like. SIGHUP reads the configuration again; SIGTERM and ctrl-C end it. Logs are JSON lines. Reports to systemd (sd_notify) where it runs as a unit of Type=notify.',
  options: [
    {
      flags: '--role <roles>',
      help: `what this process does, with commas between: ${serveRoles.join(', ')} (default: all); a number after a colon tells processes of one role apart (api:2)`,
    },
  ],
  examples: [
    'kiln serve --config-file /etc/octavia/octavia.conf',
    'kiln serve --role api',
    'kiln serve --role worker,health-manager',
    'kiln serve --role api:2',
  ],
  exits: ['cloudUnreachable'],
  async run({ options, context }) {
    await context.serve(options.role === undefined ? serveRoles : readRoles(options.role));
    return null;
  },
});

function readRoles(text: string): (typeof serveRoles)[number][] {
  return text.split(',').map((word) => {
    const role = serveRoles.find((one) => one === word.trim().replace(/:\d+$/, ''));
    if (role) return role;
    throw new KilnError('USAGE', `--role has "${word}"; allowed are ${serveRoles.join(', ')}, with commas between`);
  });
}
