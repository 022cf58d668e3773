import { ANY_OWNER } from '../../../core/amphora/choose-image.ts';
import { type PruneSettings, planPrune, whyNeeded } from '../../../core/fleet/plan-prune.ts';
import { exitCodes, KilnError, toKilnError } from '../../../model/errors.ts';
import type { Image } from '../../../model/image.ts';
import { defineCommand } from '../../command.ts';
import type { CliContext } from '../../context.ts';
import { formatAgeShort, plural } from '../../format/duration.ts';
import { formatSize } from '../../format/size.ts';
import { parseWhole } from '../../options.ts';
import { type Column, renderTable } from '../../output/table.ts';
import { listEvenHidden } from './find.ts';

const USUALLY_KEPT = 3;

interface Options {
  keep?: number;
  yes?: boolean;
}

/** What became of one image, or would. */
interface Line {
  image: Image;
  outcome: 'to delete' | 'deleted' | 'kept' | 'failed';
  reason: string;
}

export const imagePrune = defineCommand<Options>({
  noun: 'image',
  verb: 'prune',
  summary: 'Delete amphora images that nothing needs any more; without --yes say which',
  description:
    'Looks only at images of the trusted project that booted an amphora of this Kiln once, or carry an amphora tag. Never deleted: what an ' +
    'amphora runs, what a load balancer is assigned (a repair boots it), what a release that runs or its way back needs, where the way back of the last release leads, what carries the tag of octavia.conf or of a flavor, what is protected, ' +
    'and the newest of the rest. Each image is looked at again right before it is deleted. What another controller (an Octavia, a second ' +
    'Kiln with a database of its own) boots from these images is not known here: protect such images in Glance.',
  options: [
    {
      flags: '--keep <n>',
      help: `of the images that nothing needs, how many of the newest stay (default: ${USUALLY_KEPT})`,
      parse: parseWhole('--keep', 0, 1000),
    },
    { flags: '--yes', help: 'delete them; without it nothing is changed' },
  ],
  examples: ['kiln image prune', 'kiln image prune --keep 2 --yes'],
  exits: ['cloudUnreachable'],
  async run({ options: { keep = USUALLY_KEPT, yes = false }, context, signal }) {
    const images = await context.images();
    const known = await context.knownImages();
    if (!known) {
      throw new KilnError('STATE_UNUSABLE', 'there is no database yet: which images are in use is not known', {
        advice: 'Run it where `kiln serve` runs, with the same octavia.conf; `kiln db status` shows the database.',
      });
    }
    const settings = await pruneSettings(context);
    const listed = await listEvenHidden(images, { owner: settings.owner, visibility: 'all' }, signal);
    const plan = planPrune(listed, await known(), settings, keep);

    const remove = async (image: Image): Promise<Line> => {
      try {
        // Somebody may have booted, tagged or protected it since.
        const reason = whyNeeded(await images.get(image.id, signal), await known(), settings);
        if (reason !== null) return { image, outcome: 'kept', reason: `${reason} by now` };
        await images.delete(image.id);
        return { image, outcome: 'deleted', reason: '' };
      } catch (thrown) {
        const { code, message } = toKilnError(thrown);
        if (code === 'SERVICE_NOT_FOUND') return { image, outcome: 'deleted', reason: 'it was gone already' };
        return { image, outcome: 'failed', reason: message };
      }
    };
    const lines: Line[] = plan.kept.map(({ image, reason }) => ({ image, outcome: 'kept', reason }));
    for (const image of plan.deletions) {
      signal.throwIfAborted();
      lines.push(yes ? await remove(image) : { image, outcome: 'to delete', reason: 'nothing needs it' });
    }
    const count = (outcome: Line['outcome']) => lines.filter((line) => line.outcome === outcome).length;
    const failed = count('failed');
    return {
      document: {
        dryRun: !yes,
        keep,
        images: lines.map(({ image, outcome, reason }) => ({ id: image.id, name: image.name, outcome, reason })),
      },
      ids: lines.filter(({ outcome }) => outcome === 'deleted' || outcome === 'to delete').map(({ image }) => image.id),
      exitCode: failed > 0 ? exitCodes.cloudUnreachable : exitCodes.done,
      render: (view) => {
        const columns: Column<Line>[] = [
          { title: 'ID', value: ({ image }) => image.id },
          { title: 'NAME', value: ({ image }) => image.name ?? '-', minimum: 10, cut: 'middle', drop: 3 },
          { title: 'AGE', value: ({ image }) => formatAgeShort(image.createdAt, view.now), align: 'right', drop: 2 },
          { title: 'SIZE', value: ({ image }) => formatSize(image.sizeBytes), align: 'right', drop: 4 },
          {
            title: 'OUTCOME',
            value: ({ outcome }) => outcome,
            paint: (text, { outcome }, { paint }) => (outcome === 'kept' ? text : paint('yellow', text)),
          },
          { title: 'WHY', value: ({ reason }) => reason || '-', minimum: 12, drop: 1 },
        ];
        const done = yes
          ? `${plural(count('deleted'), 'image')} deleted, ${count('kept')} kept${failed > 0 ? `, ${failed} could not be deleted` : ''}.`
          : `${plural(count('to delete'), 'image')} would be deleted, ${count('kept')} kept. Nothing was changed; --yes deletes.`;
        return lines.length === 0
          ? 'There is no amphora image of the trusted project.'
          : `${renderTable(columns, lines, view)}\n\n${done}`;
      },
    };
  },
});

/** Where every project is trusted, only the images of our own may be deleted. */
async function pruneSettings(context: CliContext): Promise<PruneSettings> {
  const { imageOwnerId, imageTag, imageId } = await context.settings();
  const isOneProject = imageOwnerId !== null && imageOwnerId !== ANY_OWNER;
  const owner = isOneProject ? imageOwnerId : (await (await context.identity()).authenticatedAs()).projectId;
  return { owner, tag: imageTag, imageId };
}
