import { KilnError } from '../../../model/errors.ts';
import { defineCommand } from '../../command.ts';
import { createView } from '../../output/view.ts';
import { releaseDocument } from './document.ts';
import { exitCodeOf, followRelease } from './follow.ts';
import { renderPlan } from './plan.ts';
import { renderRelease } from './render.ts';
import { type RequestOptions, requestOf, requestOptions } from './request-options.ts';

interface Options extends RequestOptions {
  plan?: string;
  reason?: string;
  yes?: boolean;
  wait?: boolean;
}

export const releaseStart = defineCommand<Options>({
  noun: 'release',
  verb: 'start',
  summary: 'Bring an image to the load balancers of a tag: probed first, then in waves',
  description:
    'Shows the plan and asks, on a terminal; elsewhere --yes is needed. With --plan it starts only if the world is still the one of that plan, ' +
    'and says what has changed if not: give the same options as to `kiln release plan`. One release of a tag at a time. Written to the database: a ' +
    'running `kiln serve` (role housekeeping) carries it on, whoever started it. --wait stays until it has ended, or waits for an operator.',
  options: [
    { flags: '--plan <digest>', help: 'of the plan that was looked at' },
    { flags: '--reason <text>', help: 'kept with the release' },
    { flags: '--yes', help: 'does not ask' },
    { flags: '--wait', help: 'shows it until it has ended, or waits for an operator' },
    ...requestOptions,
  ],
  examples: [
    'kiln release start --image 3c16294e-0000-4000-8000-000000000001 --reason CVE-2026-1234',
    'kiln release start --plan 5a00dc52-158cf00a-9cbd55fb-4de473d8 --yes --json',
    'kiln release start --yes --wait --window "0 22 * * 1-5 Europe/Berlin 240"',
  ],
  exits: ['noUsableImage', 'cloudUnreachable', 'releaseNotCompleted', 'releaseHeld'],
  async run(invocation) {
    const { options, context, confirm, stdout, clock, json, quiet } = invocation;
    const releases = await context.releases();
    const request = requestOf(options);
    const plan = await releases.plan(request);
    if (!options.yes) {
      if (!confirm) {
        throw new KilnError('USAGE', 'there is no terminal to ask on, and --yes was not given', {
          advice: 'Look at `kiln release plan` first, then give its digest with --plan, and --yes.',
        });
      }
      stdout.write(`${renderPlan(plan, createView(stdout, clock.now()))}\n\n`);
      if (plan.targets.length > 0 && !(await confirm(`Move ${plan.targets.length} load balancers to this image?`))) {
        return {
          document: null,
          ids: [],
          render: () => 'Nothing was started.',
        };
      }
    }
    const who = { by: context.operator(), reason: options.reason ?? '' };
    const release = await releases.start({ ...request, planDigest: options.plan ?? plan.digest }, who);
    const { id } = release.spec;
    if (options.wait) {
      const showing = json || quiet ? 'nothing' : stdout.isTTY ? 'screen' : 'lines';
      const waited = await followRelease(releases, id, invocation, { showing, after: 0, untilHeld: true });
      return {
        document: releaseDocument(waited),
        ids: [id],
        render: (view) => (stdout.isTTY ? `Release ${id}: ${waited.progress.phase}.` : renderRelease(waited, view)),
        exitCode: exitCodeOf(waited),
      };
    }
    return {
      document: releaseDocument(release),
      ids: [id],
      render: (view) =>
        `${renderRelease(release, view)}\n\nRelease ${id} is started: its image is probed before any load balancer moves.\n` +
        '`kiln release watch` shows it, `kiln release pause` stops it, `kiln release rollback` takes it back.',
    };
  },
});
