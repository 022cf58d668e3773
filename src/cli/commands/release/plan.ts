import type { ReleasePlan } from '../../../model/release-plan.ts';
import { defineCommand } from '../../command.ts';
import { formatDuration, plural } from '../../format/duration.ts';
import { printable } from '../../format/printable.ts';
import { type Column, renderFields, renderTable } from '../../output/table.ts';
import type { View } from '../../output/view.ts';
import { type RequestOptions, requestOf, requestOptions } from './request-options.ts';

export const releasePlan = defineCommand<RequestOptions>({
  noun: 'release',
  verb: 'plan',
  summary: 'Show what bringing an image to the load balancers of a tag would do; nothing is changed',
  description:
    'Which load balancers would be failed over to the image, in which waves: a few first, then more at a time, each one looked at ' +
    'after it. Which are left out, and why. How long it may take, by the failovers of late. An image that may not be booted, or ' +
    'whose content was rejected before, is refused. Read from the database and from Glance; no `kiln serve` is needed.',
  options: requestOptions,
  examples: [
    'kiln release plan',
    'kiln release plan --image 3c16294e-0000-4000-8000-000000000001 --json',
    'kiln release plan --window "0 22 * * 1-5 Europe/Berlin 240" --gate-after-wave 0',
  ],
  exits: ['noUsableImage', 'cloudUnreachable'],
  async run({ options, context }) {
    const releases = await context.releases();
    const plan = await releases.plan(requestOf(options));
    const { targets, ...summary } = plan;
    return {
      document: { ...summary, loadBalancers: targets.length },
      ids: targets.map(({ loadBalancerId }) => loadBalancerId),
      render: (view) => renderPlan(plan, view),
    };
  },
});

export function renderPlan(plan: ReleasePlan, view: View): string {
  const { tag, image, baseline, targets, waves, skipped, probes, policy, expectedMoveSeconds, expectedSeconds } = plan;
  const fields = renderFields(
    [
      ['Image', image.name === image.id ? image.id : `${image.name} (${image.id})`],
      ['Tag', `${tag}, carried now by ${baseline.taggedImageIds.join(', ') || 'no image'}`],
      [
        'Load balancers',
        `${targets.length.toLocaleString('en')} to move, ${sumOf(skipped).toLocaleString('en')} left out`,
      ],
      ['Tried first', `${plural(probes.length, 'place')}: each flavor and availability zone in use`],
      [
        'May take',
        `${span(expectedSeconds)}, at ${span(expectedMoveSeconds)} a failover${policy.windows.length > 0 ? ', in its windows' : ''}`,
      ],
    ],
    view,
  );
  const parts = [fields];
  if (waves.length > 0) parts.push(renderTable(waveColumns, waves, view));
  if (skipped.length > 0) parts.push(renderTable(skipColumns, skipped, view));
  parts.push(
    targets.length === 0
      ? 'There is nothing to do: no load balancer of this tag would be moved.'
      : printable(`Plan ${plan.digest}. Nothing was changed.`) +
          '\n`kiln release start` with the same options begins it.',
  );
  return parts.join('\n\n');
}

const span = (seconds: number) => formatDuration(seconds * 1000);
const sumOf = (skipped: ReleasePlan['skipped']) => skipped.reduce((sum, { loadBalancers }) => sum + loadBalancers, 0);
const count = (value: number) => value.toLocaleString('en');

const waveColumns: Column<ReleasePlan['waves'][number]>[] = [
  { title: 'WAVE', value: ({ wave }) => (wave === 0 ? 'canary' : String(wave)) },
  { title: 'LBS', value: ({ loadBalancers }) => count(loadBalancers), align: 'right' },
  { title: 'PAIRS', value: ({ pairs }) => count(pairs), align: 'right' },
  { title: 'MAY TAKE', value: ({ seconds }) => span(seconds), align: 'right' },
];

const skipColumns: Column<ReleasePlan['skipped'][number]>[] = [
  { title: 'LEFT OUT', value: ({ loadBalancers }) => count(loadBalancers), align: 'right' },
  { title: 'WHY', value: ({ reason }) => reason, minimum: 20 },
  { title: 'FOR EXAMPLE', value: ({ examples }) => examples[0] ?? '-' },
];
