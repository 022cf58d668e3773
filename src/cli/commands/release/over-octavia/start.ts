import { exitCodes, KilnError } from '../../../../model/errors.ts';
import { endedOctaviaPhases, type OctaviaPhase, type OctaviaReleaseState } from '../../../../model/octavia-release.ts';
import type { Intent } from '../../../../model/release.ts';
import type { OctaviaRunOptions } from '../../../../ports/octavia-releases.ts';
import type { Invocation, Outcome } from '../../../command.ts';
import { createView } from '../../../output/view.ts';
import type { RequestOptions } from '../request-options.ts';
import type { OverOctavia } from './also-over-octavia.ts';
import { octaviaRequestOf, pollSecondsOf, type RunOptions, runOptions, stateFileOf } from './options.ts';
import { renderOctaviaPlan } from './plan.ts';
import { renderNoted, renderRecord, renderState, stateDocument } from './render.ts';

interface Options extends RequestOptions, RunOptions {
  plan?: string;
  reason?: string;
  yes?: boolean;
  probeSubnet?: string;
  withoutProbe?: boolean;
}

export const startOverOctavia: OverOctavia<Options> = {
  options: [
    ...runOptions,
    {
      flags: '--probe-subnet <id>',
      help: 'with --octavia: where the load balancer that tries the image has its address',
    },
    { flags: '--without-probe', help: 'with --octavia: the image is not tried before the first load balancer moves' },
  ],
  example:
    'kiln release start --octavia --os-cloud production --image 3c16294e-0000-4000-8000-000000000001 --probe-subnet 5be01c77-0000-4000-8000-000000000002',
  async run(invocation) {
    const { options, context, confirm, stdout, clock } = invocation;
    const probeSubnetId = options.withoutProbe ? null : options.probeSubnet;
    if (probeSubnetId === undefined) {
      throw new KilnError(
        'USAGE',
        '--probe-subnet is missing: the image is tried in a load balancer of its own first',
        {
          advice:
            'Name the ID of a subnet of yours in which Octavia may take an address for some minutes; or leave the probe out, with --without-probe.',
        },
      );
    }
    const releases = await context.octaviaReleases();
    const request = await octaviaRequestOf(options, context);
    let planDigest = options.plan ?? null;
    if (!options.yes) {
      if (!confirm) {
        throw new KilnError('USAGE', 'there is no terminal to ask on, and --yes was not given', {
          advice: 'Look at `kiln release plan --octavia` first, then give its digest with --plan, and --yes.',
        });
      }
      const view = await releases.plan(request);
      planDigest ??= view.plan.digest;
      stdout.write(`${renderOctaviaPlan(view, createView(stdout, clock.now()))}\n\n`);
      const count = view.plan.targets.length;
      if (count > 0 && !(await confirm(`Move ${count} load balancers to this image?`))) {
        return { document: null, ids: [], render: () => 'Nothing was started.' };
      }
    }
    const started = { ...request, planDigest, probeSubnetId };
    return await carriedOut(invocation, 'run', (run) => releases.start(started, options.reason ?? '', run));
  },
};

export const wordOverOctavia = (want: Intent['want']): OverOctavia<RunOptions & { reason?: string }> => ({
  options: runOptions,
  example: `kiln release ${want === 'run' ? 'resume' : want} --octavia --os-cloud production`,
  async run(invocation) {
    const { options, context, remark } = invocation;
    const releases = await context.octaviaReleases();
    return await carriedOut(invocation, want, async (run) => {
      const { state, isElsewhere } = await releases.instruct({ want, reason: options.reason ?? '' }, run);
      if (isElsewhere)
        remark('Another process is at it, and does so with its next look: `kiln release watch --octavia`.');
      return state;
    });
  },
});

/** Carries a release out in this process, with a line for each thing worth knowing. */
async function carriedOut(
  { options, stdout, signal, json, quiet, remark, clock }: Invocation<RunOptions>,
  want: Intent['want'],
  run: (options: OctaviaRunOptions) => Promise<OctaviaReleaseState>,
): Promise<Outcome> {
  const stateFile = stateFileOf(options);
  const report: OctaviaRunOptions['report'] = {
    records(records) {
      if (json || quiet) return;
      for (const line of records.map(renderRecord)) if (line !== null) stdout.write(`${line}\n`);
    },
    trouble: (message, nextMs) =>
      remark(`${clock.now().toISOString().slice(11, 19)} ${message}; again in ${nextMs / 1000} s`),
  };
  try {
    const state = await run({ stateFile, pollSeconds: pollSecondsOf(options), report, signal });
    return {
      document: stateDocument(state),
      ids: [state.start.releaseId],
      render: (view) =>
        ['', renderState(state, view), renderNoted(state, view)].filter((part) => part !== null).join('\n'),
      exitCode: exitCodeOf(state, want),
    };
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new KilnError('CANCELLED', 'interrupted; Octavia ends what it is at', {
      cause: error,
      advice: `\`kiln release resume --octavia --state-file ${stateFile}\` goes on, and \`kiln release rollback --octavia\` goes back.`,
    });
  }
}

/** Whoever asked for an end or a way back, and got it, has what was asked for. */
function exitCodeOf({ phase, intent }: OctaviaReleaseState, want: Intent['want']): number {
  const wanted: Record<Intent['want'], OctaviaPhase | null> = {
    run: 'completed',
    abort: 'aborted',
    rollback: 'rolled-back',
    pause: null,
  };
  if (phase === wanted[want]) return exitCodes.done;
  if (endedOctaviaPhases.includes(phase)) return exitCodes.releaseNotCompleted;
  return want === intent.want && want !== 'run' ? exitCodes.done : exitCodes.releaseHeld;
}
