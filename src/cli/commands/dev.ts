import { defineCommand } from '../command.ts';
import { parseWhole } from '../options.ts';
import { renderFields } from '../output/table.ts';
import { createView } from '../output/view.ts';

export const dev = defineCommand<{ stateDir?: string; port?: number }>({
  noun: null,
  verb: 'dev',
  summary: 'Serve a cloud on loopback: Keystone, Glance, Nova, Neutron, with real amphorae',
  description:
    'Its state lives in a folder and survives a restart. Writes clouds.yaml (cloud "kiln-dev") and octavia.conf there, ' +
    'and says where they are once it answers. Ctrl-C ends it and every amphora.',
  options: [
    { flags: '--state-dir <folder>', help: 'where its state is kept (default: ~/.local/state/kiln-dev)' },
    {
      flags: '--port <port>',
      help: 'the port that all services are served on (default: that of the last time; at first any that is free)',
      parse: parseWhole('--port', 1, 65_535),
    },
  ],
  examples: ['kiln dev', 'kiln dev --state-dir /tmp/cloud --port 5001'],
  exits: [],
  async run({ options, context, stdout, json, clock }) {
    await context.dev({ stateFolder: options.stateDir ?? null, port: options.port ?? null }, (ready) => {
      if (json) {
        stdout.write(`${JSON.stringify(ready, null, 2)}\n`);
        return;
      }
      const view = createView(stdout, clock.now());
      const fields = renderFields(
        [
          ...Object.entries(ready.endpoints),
          ['clouds.yaml', ready.cloudsFile],
          ['octavia.conf', ready.configurationFile],
          ['state', ready.stateFolder],
        ],
        view,
      );
      stdout.write(
        `The cloud "${ready.cloudName}" is ready.\n${fields}\n\nIn another terminal:\n` +
          [
            `export OS_CLIENT_CONFIG_FILE=${ready.cloudsFile} KILN_CONFIG_FILE=${ready.configurationFile}`,
            'kiln image build --output amphora.img',
            'kiln image push amphora.img --tag amphora',
            'kiln doctor',
            'kiln serve',
          ]
            .map((command) => `  ${command}\n`)
            .join(''),
      );
    });
    return null;
  },
});
