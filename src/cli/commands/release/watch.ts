import { defineCommand } from '../../command.ts';
import { parseWhole } from '../../options.ts';
import { findRelease, releaseArgument } from './find.ts';
import { exitCodeOf, followRelease } from './follow.ts';

/** Where nobody says from where on. */
const LATEST = 10;

export const releaseWatch = defineCommand<{ after?: number }>({
  noun: 'release',
  verb: 'watch',
  summary: 'Follow a release until it has ended',
  description:
    'Drawn over and over on a terminal; elsewhere a line for each event, with --json a JSON object a line. The release goes on when this ends: ' +
    'ctrl-C stops the watching, not the release.',
  arguments: [releaseArgument],
  options: [
    {
      flags: '--after <number>',
      help: `events with a larger number (default: the last ${LATEST})`,
      parse: parseWhole('--after', 0, Number.MAX_SAFE_INTEGER),
    },
  ],
  examples: ['kiln release watch', 'kiln release watch --after 0 --json'],
  exits: ['releaseNotCompleted'],
  async run(invocation) {
    const { context, options, signal, stdout, remark, json } = invocation;
    const releases = await context.releases();
    const { spec, eventCount } = await findRelease(releases, invocation.arguments[0], { orNewest: true });
    const after = options.after ?? Math.max(0, eventCount - LATEST);
    const showing = json ? 'json' : stdout.isTTY ? 'screen' : 'lines';
    try {
      const ended = await followRelease(releases, spec.id, invocation, { showing, after, untilHeld: false });
      return {
        document: null,
        isSaid: json,
        ids: [spec.id],
        render: () => `Release ${spec.id}: ${ended.progress.phase}.`,
        exitCode: exitCodeOf(ended),
      };
    } catch (error) {
      if (!signal.aborted) throw error;
      remark(`The release goes on; \`kiln release watch ${spec.id}\` shows it again.`);
      return null;
    }
  },
});
