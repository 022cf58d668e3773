import { type Amphora, bootParts } from '../../../model/amphora.ts';
import { formatAge, formatAgeShort, formatDuration } from '../../format/duration.ts';
import { type Column, renderFields, renderTable } from '../../output/table.ts';
import type { View } from '../../output/view.ts';
import { ruleInWords } from '../image/choice.ts';

export function renderAmphorae(amphorae: readonly Amphora[], view: View): string {
  const columns: Column<Amphora>[] = [
    { title: 'ID', value: (amphora) => amphora.id },
    {
      title: 'STATUS',
      value: (amphora) => amphora.status,
      paint: (text, { status }, { paint }) =>
        paint(status === 'READY' || status === 'ALLOCATED' ? 'green' : status === 'ERROR' ? 'red' : 'yellow', text),
    },
    { title: 'ADDRESS', value: (amphora) => amphora.lbNetworkIp ?? '-', drop: 1 },
    { title: 'IMAGE', value: imageName, minimum: 12, cut: 'middle', drop: 3 },
    { title: 'AGENT', value: (amphora) => amphora.agentVersion ?? '-', minimum: 8, drop: 4 },
    { title: 'AGE', value: (amphora) => formatAgeShort(amphora.createdAt, view.now), align: 'right', drop: 2 },
  ];
  return renderTable(columns, amphorae, view);
}

function imageName(amphora: Amphora): string {
  return amphora.imageChoice?.image?.name ?? amphora.imageId ?? '-';
}

export function renderAmphora(amphora: Amphora, view: View): string {
  const { imageChoice, timings, reason } = amphora;
  const name = imageChoice?.image?.name;
  const fields = renderFields(
    [
      ['Amphora', amphora.id],
      ['Status', amphora.status],
      ['Reason', reason?.message],
      ['What to do', reason?.advice],
      ['Image', amphora.imageId && (name ? `${amphora.imageId} (${name})` : amphora.imageId)],
      ['Chosen', imageChoice && `${ruleInWords(imageChoice)}`],
      ['Server', amphora.computeId ? `${amphora.computeId} (${amphora.serverName})` : amphora.serverName],
      ['Flavor', amphora.computeFlavor],
      ['Zone', amphora.cachedZone],
      ['Address', amphora.lbNetworkIp],
      ['Agent', amphora.agentVersion],
      [
        'Certificate',
        amphora.certExpiration && `ends ${amphora.certExpiration} (${formatAge(amphora.certExpiration, view.now)})`,
      ],
      ['Created', `${amphora.createdAt} (${formatAge(amphora.createdAt, view.now)})`],
    ],
    view,
  );
  const parts = bootParts.flatMap((part) => {
    const milliseconds = timings[`${part}Ms`];
    return milliseconds === undefined ? [] : [{ part, milliseconds }];
  });
  if (parts.length === 0) return fields;
  const total = parts.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const times = [...parts, { part: 'total', milliseconds: total }].map(
    ({ part, milliseconds }) => `  ${part.padEnd(6)}  ${formatDuration(milliseconds).padStart(8)}`,
  );
  return [fields, view.paint('bold', 'Time'), ...times].join('\n');
}
