import type { BootEvent, BootPart } from '../../../model/amphora.ts';
import { KilnError } from '../../../model/errors.ts';
import { defineCommand } from '../../command.ts';
import type { Progress, Step } from '../../output/progress.ts';
import { renderAmphora } from './render.ts';

const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

const partTitles: Record<BootPart, string> = {
  choose: 'choose image',
  create: 'create server',
  active: 'server active',
  agent: 'agent answers',
};

/** Draws the events of a boot; `end` says what became of the part that was under way when the boot failed. */
function drawBoot(progress: Progress): { onEvent(event: BootEvent): void; end(): void } {
  let current: Step | null = null;
  return {
    onEvent(event) {
      switch (event.kind) {
        case 'started':
          progress.line(`amphora ${event.amphoraId}, server ${event.serverName}`);
          break;
        case 'part-started':
          current = progress.step(partTitles[event.part]);
          break;
        case 'part-done':
          // A phase that was reported only when it was over.
          (current ?? progress.step(partTitles[event.part])).done(event.detail, event.milliseconds);
          current = null;
          break;
        case 'note':
          progress.line(`note: ${event.message}`);
          break;
      }
    },
    end() {
      current?.fail('failed');
      current = null;
    },
  };
}

export const amphoraBoot = defineCommand<{ image?: string; flavor?: string }>({
  noun: 'amphora',
  verb: 'boot',
  summary: 'Boot one amphora and wait until its agent answers',
  description:
    'From the image that the next amphora would get (`kiln image resolve`), or from the one named by --image, to test ' +
    'it before it is tagged. When the boot fails, its server is deleted again and the amphora stays on record as ERROR.',
  options: [
    { flags: '--image <ID>', help: 'boot this image, whatever tags it carries' },
    { flags: '--flavor <ID>', help: 'the Nova flavor (default: [controller_worker] amp_flavor_id)' },
  ],
  examples: ['kiln amphora boot', 'kiln amphora boot --image 5c1d3ad4-0b6c-4a3e-9d5e-1f0a5a3c7b11 --json'],
  exits: ['noUsableImage', 'severalImages', 'cloudUnreachable', 'bootFailed'],
  async run({ options, context, progress, signal }) {
    const { image } = options;
    if (image !== undefined && !uuid.test(image)) {
      throw new KilnError('USAGE', `--image must be the ID of an image (it is "${image}")`, {
        advice: `\`kiln image show ${image} --quiet\` prints the ID of the image of that name.`,
      });
    }
    const { operations, servedBy } = await context.amphorae();
    progress.line(servedBy === null ? 'booting from this process' : `asking ${servedBy}`);
    const drawing = drawBoot(progress);
    try {
      const amphora = await operations.boot(
        {
          imageId: image ?? null,
          ...(options.flavor !== undefined && { capabilities: { compute_flavor: options.flavor } }),
        },
        drawing.onEvent,
        signal,
      );
      return { document: amphora, ids: [amphora.id], render: (view) => renderAmphora(amphora, view) };
    } finally {
      drawing.end();
    }
  },
});
