import { defineCommand } from '../../command.ts';
import { formatSize } from '../../format/size.ts';
import { renderFields } from '../../output/table.ts';

interface Options {
  output?: string;
  name?: string;
  version?: string;
}

export const imageBuild = defineCommand<Options>({
  noun: 'image',
  verb: 'build',
  summary: 'Build an amphora image for the embedded cloud',
  description:
    "A small archive that holds Kiln's own amphora agent. The embedded cloud of `kiln dev` boots it; " +
    'a real Nova wants an image made by Octavia’s diskimage-create.sh.',
  options: [
    { flags: '-o, --output <file>', help: 'where to write it (default: made from name and version)' },
    { flags: '--name <name>', help: 'name of the image (default: amphora)' },
    { flags: '--version <version>', help: 'what its agent calls itself (default: the version of Kiln)' },
  ],
  examples: ['kiln image build --output amphora.tar.gz', 'kiln image build --version 2026.2 --output new.tar.gz'],
  exits: [],
  async run({ options, context, progress }) {
    const step = progress.step('build');
    let built: Awaited<ReturnType<typeof context.buildImage>>;
    try {
      built = await context.buildImage({
        outputFile: options.output ?? null,
        name: options.name ?? null,
        version: options.version ?? null,
      });
    } catch (error) {
      step.fail();
      throw error;
    }
    step.done(built.file);
    return {
      document: built,
      ids: [built.file],
      render: (view) =>
        renderFields(
          [
            ['File', built.file],
            ['Name', built.name],
            ['Version', built.version],
            ['Size', formatSize(built.sizeBytes)],
            ['SHA-512', built.sha512],
          ],
          view,
        ),
    };
  },
});
