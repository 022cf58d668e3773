import type { SilenceSurvey, SilentAmphoraReport } from '../../../model/silence.ts';
import { formatAge, formatAgeShort, plural } from '../../format/duration.ts';
import { type Column, renderFields, renderTable } from '../../output/table.ts';
import type { View } from '../../output/view.ts';

/** What `kiln status` and `kiln health show` say of silence, as fields. */
export function silenceFields(survey: SilenceSurvey, view: View): [string, string | null][] {
  const { breaker, silent, heartbeatsLost, runningFailovers } = survey;
  const lost = heartbeatsLost === 0 ? [] : [`${heartbeatsLost} of them answer, without heartbeats`];
  const running = runningFailovers === 0 ? [] : [`${plural(runningFailovers, 'failover')} under way`];
  const stopped =
    breaker.openSince === null
      ? null
      : `stopped ${formatAge(breaker.openSince, view.now)}: ` +
        `${breaker.silentCount} amphorae were silent at once (threshold ${breaker.threshold})`;
  return [
    ['Silent', silent === 0 ? 'none' : [plural(silent, 'amphora', 'amphorae'), ...lost, ...running].join('; ')],
    ['Failovers', stopped === null ? null : view.paint('red', stopped)],
    [
      'What to do',
      stopped === null ? null : 'Failovers go on when heartbeats come back, or with `kiln health resume`.',
    ],
  ];
}

export function renderSilence(survey: SilenceSurvey, silent: readonly SilentAmphoraReport[], view: View): string {
  const columns: Column<SilentAmphoraReport>[] = [
    { title: 'AMPHORA', value: ({ id }) => id },
    { title: 'LOAD BALANCER', value: ({ loadBalancerId }) => loadBalancerId, minimum: 12, cut: 'middle', drop: 2 },
    { title: 'FINDING', value: ({ finding }) => finding ?? 'not examined yet' },
    { title: 'TRIES', value: ({ attempts }) => String(attempts), align: 'right', drop: 1 },
    { title: 'SILENT FOR', value: ({ lastHeard }) => formatAgeShort(lastHeard, view.now), align: 'right' },
  ];
  const fields = renderFields(silenceFields(survey, view), view);
  return silent.length === 0 ? fields : `${fields}\n\n${renderTable(columns, silent, view)}`;
}
