import { toKilnError } from '../../../model/errors.ts';
import type { Intent } from '../../../model/release.ts';
import type { StoredRelease } from '../../../ports/release-store.ts';
import type { Releases, WayBack } from '../../../ports/releases.ts';
import { type Command, defineCommand, type Invocation } from '../../command.ts';
import { plural } from '../../format/duration.ts';
import { releaseDocument } from './document.ts';
import { findRelease, releaseArgument } from './find.ts';
import { renderRelease } from './render.ts';

interface Options {
  reason?: string;
  yes?: boolean;
}

const reasonOption = { flags: '--reason <text>', help: 'kept with the release' };

/** @param follows what happens now. */
async function instruct(
  { options, context }: Invocation<Options>,
  found: { releases: Releases; release: StoredRelease },
  want: Intent['want'],
  follows: string,
) {
  const { releases, release } = found;
  const { id } = release.spec;
  const { revision } = release.intent;
  const said = await releases.instruct(id, { want, reason: options.reason ?? '', by: context.operator(), revision });
  const isNews = said.intent.revision !== revision;
  return {
    document: releaseDocument(said),
    ids: [id],
    render: (view: Parameters<typeof renderRelease>[1]) =>
      `${renderRelease(said, view)}\n\n${isNews ? follows : `Nothing is new: that was asked for before, by ${said.intent.by}.`}`,
  };
}

async function find({ arguments: [id], context }: Invocation<Options>) {
  const releases = await context.releases();
  return { releases, release: await findRelease(releases, id, { orNewest: false }) };
}

/** A command that gives one instruction. */
function instructionCommand(
  verb: string,
  want: Intent['want'],
  summary: string,
  description: string,
  follows: string,
): Command<never> {
  return defineCommand<Options>({
    noun: 'release',
    verb,
    summary,
    description,
    arguments: [releaseArgument],
    options: [reasonOption],
    examples: [`kiln release ${verb}`, `kiln release ${verb} --reason "as agreed with the shop" --json`],
    exits: [],
    run: async (invocation) => await instruct(invocation, await find(invocation), want, follows),
  });
}

export const releasePause = instructionCommand(
  'pause',
  'pause',
  'Stop a release from beginning anything new',
  'What moves now ends, and is judged; half a pair is finished. Until `kiln release resume`.',
  'Nothing new begins; what moves now ends. `kiln release resume` goes on.',
);

export const releaseResume = instructionCommand(
  'resume',
  'run',
  'Go on with a release, and accept what holds it',
  'Ends a pause. Where the release waits for an operator (too many failures, a gate, a tag that was moved), this says that it may go on all the same: look at ' +
    '`kiln release show` first.',
  'It goes on, within seconds.',
);

export const releaseAbort = instructionCommand(
  'abort',
  'abort',
  'End a release where it is: what has moved stays',
  'What moves now ends; no pair and no tag stays half way. The next release may then start. To go back instead: `kiln release rollback`.',
  'It ends when what moves now has ended; what has moved keeps the new image.',
);

export const releaseRollback = defineCommand<Options>({
  noun: 'release',
  verb: 'rollback',
  summary: 'Take every load balancer of a release back to the image that it had',
  description:
    'Says first what can not go back, and asks, on a terminal. Those that are off worst go first; the tag goes back to the images that carried it. The ' +
    'image counts as rejected: it is not released again without --again. A release that has ended is not taken back: plan one of the former image.',
  arguments: [releaseArgument],
  options: [reasonOption, { flags: '--yes', help: 'does not ask' }],
  examples: ['kiln release rollback', 'kiln release rollback --yes --reason "errors went up"'],
  exits: ['cloudUnreachable'],
  async run(invocation) {
    const { options, confirm, remark } = invocation;
    const found = await find(invocation);
    const { releases, release } = found;
    // Whoever wants to go back is not kept from it by a Glance that is down.
    const way = await releases.wayBack(release.spec.id).catch((error: unknown) => toKilnError(error));
    for (const line of way instanceof Error
      ? [`The way back can't be looked at: ${way.message}`]
      : inWords(way, release.spec.image.id))
      remark(line);
    if (!options.yes && confirm && !(await confirm('Take them back?'))) {
      return {
        document: null,
        ids: [],
        render: () => 'Nothing was changed.',
      };
    }
    return await instruct(
      invocation,
      found,
      'rollback',
      'Nothing new moves; load balancers go back to their former images, the worst first. `kiln release watch` shows it.',
    );
  },
});

function inWords({ loadBalancers, images, taggedImageIds }: WayBack, releasedId: string): string[] {
  const bad = images.filter(({ problem }) => problem !== null);
  return [
    `${plural(loadBalancers, 'load balancer')} would go back, to ${plural(images.length, 'image')}.`,
    ...bad.map(
      ({ imageId, loadBalancers: count, problem }) =>
        `! ${plural(count, 'load balancer')} can't go back: image ${imageId} ${problem}`,
    ),
    ...(taggedImageIds.every((id) => id === releasedId)
      ? ['! The tag was on no other image before: it stays on the new one.']
      : []),
  ];
}
