import { type TargetState, targetStates } from '../../../model/release.ts';
import { defineCommand } from '../../command.ts';
import { formatDuration, plural } from '../../format/duration.ts';
import { printable, wrap } from '../../format/printable.ts';
import { parseChoice } from '../../options.ts';
import { releaseDocument, targetDocument } from './document.ts';
import { findRelease, releaseArgument } from './find.ts';
import { renderRelease, renderTargets } from './render.ts';

/** Those that somebody may want to look at. */
const noted: readonly TargetState[] = ['failed', 'stuck', 'reverting', 'moving', 'watching'];
const MOST = 50;

export const releaseShow = defineCommand<{ state?: TargetState[] }>({
  noun: 'release',
  verb: 'show',
  summary: 'Show how far a release is, what holds it, and its load balancers',
  description: `Load balancers that move, failed or are stuck are listed, ${MOST} at most; --state lists others.`,
  arguments: [releaseArgument],
  options: [
    {
      flags: '--state <state>',
      help: `load balancers in this state: ${targetStates.join(', ')}; may be repeated`,
      repeatable: true,
      parse: parseChoice('--state', targetStates),
    },
  ],
  examples: ['kiln release show', 'kiln release show --state failed --state skipped', 'kiln release show --json'],
  exits: [],
  async run({ arguments: [id], options, context }) {
    const releases = await context.releases();
    const release = await findRelease(releases, id, { orNewest: true });
    const targets = await releases.targets(release.spec.id, { states: options.state ?? noted, limit: MOST });
    const { policy, baseline, image } = release.spec;
    const bake = (seconds: number) => formatDuration(seconds * 1000);
    return {
      document: { ...releaseDocument(release), targets: targets.map(targetDocument) },
      ids: [release.spec.id],
      render: (view) =>
        [
          renderRelease(release, view),
          [
            `Image ${image.id}; the tag was on ${baseline.taggedImageIds.join(', ') || 'no image'} when it was planned.`,
            `Watched for ${bake(policy.watchSeconds)} after each move, ${bake(policy.canaryBakeSeconds)} after the canary, ${bake(policy.waveBakeSeconds)} after a wave.`,
          ]
            .flatMap((text) => wrap(printable(text), view.columns ?? Number.POSITIVE_INFINITY))
            .join('\n'),
          targets.length === 0 ? null : renderTargets(targets, view),
          targets.length < MOST ? null : `The first ${plural(MOST, 'load balancer')}.`,
        ]
          .filter((part) => part !== null)
          .join('\n\n'),
    };
  },
});
