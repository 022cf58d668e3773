import type { OctaviaCheck, OctaviaPlanView } from '../../../../model/octavia-release.ts';
import { printable, wrap } from '../../../format/printable.ts';
import { type Column, renderTable } from '../../../output/table.ts';
import type { View } from '../../../output/view.ts';
import { renderPlan } from '../plan.ts';
import type { RequestOptions } from '../request-options.ts';
import type { OverOctavia } from './also-over-octavia.ts';
import { octaviaRequestOf } from './options.ts';

export const planOverOctavia: OverOctavia<RequestOptions> = {
  options: [],
  example: 'kiln release plan --octavia --os-cloud production --image 3c16294e-0000-4000-8000-000000000001',
  async run({ options, context }) {
    const found = await (await context.octaviaReleases()).plan(await octaviaRequestOf(options, context));
    const { targets, ...summary } = found.plan;
    return {
      document: { ...summary, loadBalancers: targets.length, checks: found.checks, cantBeHad: found.cantBeHad },
      ids: targets.map(({ loadBalancerId }) => loadBalancerId),
      render: (view) => renderOctaviaPlan(found, view),
    };
  },
};

export function renderOctaviaPlan({ plan, checks, cantBeHad }: OctaviaPlanView, view: View): string {
  const width = view.columns ?? Number.POSITIVE_INFINITY;
  const limits = cantBeHad.flatMap((line) => wrap(`- ${line}`, width)).join('\n');
  return [
    renderTable(columns, checks, view),
    `What can't be had over an Octavia that runs already:\n${limits}`,
    renderPlan(plan, view),
  ].join('\n\n');
}

const columns: Column<OctaviaCheck>[] = [
  { title: 'CHECK', value: ({ name }) => name },
  {
    title: 'OUTCOME',
    value: ({ outcome }) => outcome,
    paint: (text, { outcome }, { paint }) =>
      paint(outcome === 'ok' ? 'green' : outcome === 'warning' ? 'yellow' : 'red', text),
  },
  { title: 'WHAT', value: ({ message }) => printable(message) },
];
