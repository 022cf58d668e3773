import {
  endedOctaviaPhases,
  type OctaviaRecord,
  type OctaviaReleaseState,
  type OctaviaTarget,
  type OctaviaTargetState,
  octaviaTargetStates,
} from '../../../../model/octavia-release.ts';
import { formatAge } from '../../../format/duration.ts';
import { printable } from '../../../format/printable.ts';
import { type Column, renderFields, renderTable } from '../../../output/table.ts';
import type { View } from '../../../output/view.ts';

/** Those that somebody may want to look at. */
const noted: readonly OctaviaTargetState[] = ['failed', 'stuck', 'reverting', 'moving', 'watching', 'skipped'];
const MOST = 50;

export function countsOf({ targets }: OctaviaReleaseState): Record<OctaviaTargetState, number> {
  const counts = Object.fromEntries(octaviaTargetStates.map((state) => [state, 0])) as Record<
    OctaviaTargetState,
    number
  >;
  for (const { state } of targets.values()) counts[state]++;
  return counts;
}

/** What `--json` gives of a release. */
export function stateDocument(state: OctaviaReleaseState) {
  const { start, phase, phaseReason, wave, intent, tag, holds } = state;
  return {
    id: start.releaseId,
    tag: start.tag,
    image: start.image,
    formerImageIds: start.formerImageIds,
    planDigest: start.planDigest,
    ...{ phase, phaseReason, wave, intent, holds },
    tagIsOn: tag === null ? 'untouched' : tag.isDone ? tag.to : 'moving',
    counts: countsOf(state),
    targets: [...state.targets.values()].map(({ loadBalancerId, state: now, wave: of, reason }) => ({
      loadBalancerId,
      wave: of,
      state: now,
      reason,
    })),
  };
}

export function renderState(state: OctaviaReleaseState, view: View): string {
  const { start, phase, phaseReason, intent, holds, tag } = state;
  const counts = Object.entries(countsOf(state)).filter(([, count]) => count > 0);
  const carrier = tag?.to === 'new' ? start.image.id : start.formerImageIds.join(', ');
  const hasEnded = endedOctaviaPhases.includes(phase);
  const fields = renderFields(
    [
      ['Release', `${start.releaseId}, started ${formatAge(new Date(state.startedAtMs).toISOString(), view.now)}`],
      ['Image', `${start.image.name} (${start.image.id})`],
      [
        'Phase',
        `${phase.toUpperCase()}${phase === 'rolling' ? `, wave ${state.wave}` : ''}${phaseReason === '' ? '' : `: ${phaseReason}`}`,
      ],
      ['Tag', `${start.tag} is on ${carrier}`],
      ['Load balancers', counts.map(([name, count]) => `${name} ${count.toLocaleString('en')}`).join('  ')],
      ['Wanted', hasEnded ? null : `${intent.want}${intent.reason === '' ? '' : `: ${intent.reason}`}`],
    ],
    view,
  );
  const held = holds.map(
    ({ code, message, advice }) =>
      `${view.paint('yellow', printable(`! ${code}: ${message}`))}\n    → ${printable(advice)}`,
  );
  return [fields, ...held].join('\n\n');
}

export function renderNoted(state: OctaviaReleaseState, view: View): string | null {
  const rows = [...state.targets.values()].filter((one) => noted.includes(one.state)).slice(0, MOST);
  return rows.length === 0 ? null : renderTable(columns, rows, view);
}

const columns: Column<OctaviaTarget>[] = [
  { title: 'LOAD BALANCER', value: ({ loadBalancerId }) => loadBalancerId },
  { title: 'WAVE', value: ({ wave }) => (wave === 0 ? 'canary' : String(wave)), drop: 1 },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'WHY', value: ({ reason }) => reason || '-', minimum: 20 },
];

/** One line for what a person should hear; null: for the file alone. */
export function renderRecord(record: OctaviaRecord): string | null {
  const text = inWords(record);
  if (text === null) return null;
  const time = new Date(record.atMs).toISOString().slice(11, 19);
  const whose = 'loadBalancerId' in record ? `${record.loadBalancerId}  ` : '';
  return printable(`${time} ${record.kind.padEnd(8)} ${whose}${text}`);
}

function inWords(record: OctaviaRecord): string | null {
  switch (record.kind) {
    case 'phase':
      return `${record.phase}: ${record.reason}`;
    case 'intent':
      return `${record.by} wants it to ${record.want}${record.reason === '' ? '' : `: ${record.reason}`}`;
    case 'wave':
      return `wave ${record.wave} begins`;
    case 'probe':
      return `${record.name}: ${record.step}`;
    case 'tag':
      return record.to === 'new' ? 'the tag goes to the new image' : 'the tag goes back to the former image';
    case 'move': {
      const what = record.amphoraId === null ? 'failover' : `failover of amphora ${record.amphoraId}`;
      return record.purpose === 'forward' ? what : `${what}, back to the former image`;
    }
    case 'arrived':
      return 'is up on the new image, and is watched';
    case 'judged':
      return record.isWhole ? record.reason : `${record.reason}; its other amphora is next`;
    case 'back':
    case 'failed':
    case 'skipped':
    case 'later':
      return record.reason;
    case 'hold':
      return `${record.code}: ${record.message}`;
    case 'cleared':
      return `${record.code} is over`;
    case 'start':
    case 'lock':
    case 'tagged':
    case 'look':
    case 'sent':
    case 'baked':
      return null;
  }
}
