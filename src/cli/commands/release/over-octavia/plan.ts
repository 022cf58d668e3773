import type { OctaviaCheck, OctaviaPlanView } from '../../../../model/octavia-release.ts';
import type { OctaviaPlanRequest } from '../../../../ports/octavia-releases.ts';
import type { Outcome } from '../../../command.ts';
import type { CliContext } from '../../../context.ts';
import { printable } from '../../../format/printable.ts';
import { type Column, renderTable } from '../../../output/table.ts';
import type { View } from '../../../output/view.ts';
import { renderPlan } from '../plan.ts';

/** `kiln release plan --octavia`. */
export async function planOverOctavia(context: CliContext, request: OctaviaPlanRequest): Promise<Outcome> {
  const found = await (await context.octaviaReleases()).plan(request);
  const { targets, ...summary } = found.plan;
  return {
    document: { ...summary, loadBalancers: targets.length, checks: found.checks, cantBeHad: found.cantBeHad },
    ids: targets.map(({ loadBalancerId }) => loadBalancerId),
    render: (view) => renderOctaviaPlan(found, view),
  };
}

function renderOctaviaPlan({ plan, checks, cantBeHad }: OctaviaPlanView, view: View): string {
  const limits = cantBeHad.map((line) => `- ${line}`).join('\n');
  return [renderChecks(checks, view), `Over an Octavia that runs already:\n${limits}`, renderPlan(plan, view)].join(
    '\n\n',
  );
}

function renderChecks(checks: readonly OctaviaCheck[], view: View): string {
  return renderTable(columns, checks, view);
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
