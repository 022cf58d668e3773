import { defineCommand } from '../command.ts';
import { renderFields } from '../output/table.ts';

export const version = defineCommand({
  noun: null,
  verb: 'version',
  summary: 'Which Kiln this is: version, commit, build time, Node.js',
  examples: ['kiln version', 'kiln version --json'],
  exits: [],
  async run({ build }) {
    const document = { ...build, node: process.version };
    return {
      document,
      ids: [build.version],
      render: (view) =>
        renderFields(
          [
            ['Version', build.version],
            ['Commit', build.commit ?? 'runs from the sources'],
            ['Built', build.builtAt ?? 'not built'],
            ['Node.js', document.node],
          ],
          view,
        ),
    };
  },
});
