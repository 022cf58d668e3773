import { allowedFailures } from '../../../core/releases/holds.ts';
import { errorPercent } from '../../../core/releases/request-errors.ts';
import { extentOf } from '../../../core/releases/tallies.ts';
import type { ErrorCount, ReleaseEvent, Target } from '../../../model/release.ts';
import type { StoredRelease } from '../../../ports/release-store.ts';
import { formatAge } from '../../format/duration.ts';
import { displayWidth, printable, shorten } from '../../format/printable.ts';
import { type Column, renderTable } from '../../output/table.ts';
import type { View } from '../../output/view.ts';
import { hasEnded } from './find.ts';

const count = (value: number) => value.toLocaleString('en');
const phaseColours = { completed: 'green', 'rolling-back': 'yellow', 'rolled-back': 'yellow' } as const;
const MOST_HOLDS = 5;

/** What a release is, how far it is, and what holds it: a few lines that fit the screen. */
export function renderRelease(release: StoredRelease, view: View): string {
  return [
    heading(release, view),
    ...waveLines(release, view),
    countsLine(release),
    ...comparisonLine(release, view),
    ...holdLines(release, view),
  ].join('\n');
}

function heading(release: StoredRelease, view: View): string {
  const { spec, progress, createdAtMs } = release;
  const { phase, wave } = progress;
  const colour = phase in phaseColours ? phaseColours[phase as keyof typeof phaseColours] : 'bold';
  const at = phase === 'rolling' ? `, wave ${wave} of ${extentOf(release.tallies).lastWave}` : '';
  const started = `started ${formatAge(new Date(createdAtMs).toISOString(), view.now)}`;
  const image = fitted(`${spec.image.name} → tag ${spec.tag}`, view);
  return [
    `Release ${spec.id}  ${view.paint(colour, phase.toUpperCase())}${at}`,
    printable(image),
    fitted(printable(`${spec.policy.maxParallel} at once, ${started}; ${intentInWords(release)}`), view),
  ].join('\n');
}

function intentInWords(release: StoredRelease): string {
  const { want, by, reason } = release.intent;
  const words = { run: 'go on', pause: 'wait', abort: 'end', rollback: 'go back' };
  const because = reason === '' ? '' : `: ${reason}`;
  return hasEnded(release) ? `last word by ${by}${because}` : `${by} wants it to ${words[want]}${because}`;
}

const BAR = 10;

/** A bar for each wave, as many in a line as fit. */
function waveLines({ tallies }: StoredRelease, view: View): string[] {
  const parts = Object.entries(tallies.waves).map(([wave, { open, pass, fail, noData }]) => {
    const [done, all] = [pass + fail + noData, open + pass + fail + noData];
    const full = all === 0 ? 0 : Math.floor((done / all) * BAR);
    const bar = `${'█'.repeat(full)}${'·'.repeat(BAR - full)}`;
    return `${wave === '0' ? 'canary' : wave} ${bar} ${count(done)}/${count(all)}`;
  });
  const lines: string[] = [];
  for (const part of parts) {
    const line = lines.at(-1);
    const longer = `${line}   ${part}`;
    if (line !== undefined && displayWidth(longer) < (view.columns ?? 100)) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

function countsLine({ spec, progress, tallies }: StoredRelease): string {
  const { pending, moving, watching, moved, failed, skipped, reverting, reverted, stuck } = tallies.counts;
  const parts = [
    `moved ${count(moved)}`,
    `watching ${count(watching)}`,
    `moving ${count(moving)}`,
    `failed ${count(failed)} (${count(allowedFailures(progress, spec))} allowed)`,
    `skipped ${count(skipped)}`,
    ...(reverting + reverted > 0 ? [`going back ${count(reverting)}`, `back ${count(reverted)}`] : []),
    ...(stuck > 0 ? [`stuck ${count(stuck)}`] : []),
    `left ${count(pending)}`,
  ];
  return parts.join('  ');
}

/** Of the last judgement; none without traffic. */
function comparisonLine({ progress: { comparison } }: StoredRelease, view: View): string[] {
  if (!comparison || comparison.moved.connections + comparison.notMoved.connections === 0) return [];
  const { moved, notMoved, chance } = comparison;
  const percent = (group: ErrorCount) => `${errorPercent(group).toFixed(3)} % of ${count(group.connections)}`;
  const reported = chance === null ? 'too few to tell' : `p ${chance.toPrecision(2)}`;
  return [fitted(`Request errors  moved ${percent(moved)}, not moved ${percent(notMoved)}, ${reported}`, view)];
}

function holdLines({ progress }: StoredRelease, view: View): string[] {
  const { holds } = progress;
  if (holds.length === 0) return ['Holds none'];
  return holds
    .slice(0, MOST_HOLDS)
    .flatMap(({ code, message, advice, clears }) => [
      view.paint(clears === 'operator' ? 'red' : 'yellow', fitted(printable(`Hold ${code}: ${message}`), view)),
      fitted(printable(`  → ${advice}`), view),
    ]);
}

/** Cut where the screen ends; never where the text goes to a file. */
function fitted(text: string, view: View): string {
  return view.columns === null ? text : shorten(text, view.columns - 1);
}

export const releaseColumns = (view: View): Column<StoredRelease>[] => [
  { title: 'ID', value: ({ spec }) => spec.id },
  { title: 'IMAGE', value: ({ spec }) => spec.image.name, minimum: 8, cut: 'middle', drop: 2 },
  { title: 'TAG', value: ({ spec }) => spec.tag, minimum: 4, drop: 5 },
  { title: 'PHASE', value: ({ progress }) => progress.phase },
  { title: 'LBS', value: ({ tallies }) => count(extentOf(tallies).loadBalancers), align: 'right', drop: 4 },
  { title: 'MOVED', value: ({ tallies }) => count(tallies.counts.moved), align: 'right' },
  {
    title: 'FAILED',
    value: ({ tallies }) => count(tallies.counts.failed + tallies.counts.stuck),
    align: 'right',
    drop: 3,
  },
  {
    title: 'STARTED',
    value: ({ createdAtMs }) => formatAge(new Date(createdAtMs).toISOString(), view.now),
    drop: 1,
  },
];

export const targetColumns: Column<Target>[] = [
  { title: 'LOAD BALANCER', value: ({ loadBalancerId }) => loadBalancerId },
  { title: 'WAVE', value: ({ wave }) => (wave === 0 ? 'canary' : String(wave)), drop: 2 },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'CLASS', value: ({ failureClass }) => failureClass ?? '-', drop: 1 },
  { title: 'WHY', value: ({ reason }) => reason || '-', minimum: 12 },
];

export function renderTargets(targets: readonly Target[], view: View): string {
  return renderTable(targetColumns, targets, view);
}

/** One line. @param options.isWhole also the day, and the whole ID of the load balancer where it has room. */
export function renderEvent(event: ReleaseEvent, view: View, { isWhole }: { isWhole: boolean }): string {
  const at = new Date(event.atMs).toISOString();
  const time = isWhole ? `${at.slice(0, 10)} ${at.slice(11, 19)}Z` : at.slice(11, 19);
  const id = event.loadBalancerId;
  const hasRoom = isWhole && (view.columns === null || view.columns >= WIDE);
  const what = [id === null ? null : hasRoom ? id : `${id.slice(0, 8)}…`, nameOf(event), event.reason || null];
  const text = `${time}  ${event.kind.padEnd(KIND)}  ${what.filter((part) => part !== null).join('  ')}`;
  return fitted(printable(text), view);
}

/** With room for an ID and a reason. */
const WIDE = 110;
/** Longest usual kind: `hold-cleared`. */
const KIND = 12;

/** What stands between what happened and why. */
function nameOf({ kind, actor, data }: ReleaseEvent): string | null {
  if (kind === 'intent') return `${actor}: ${String(data.want)}`;
  return kind === 'phase' ? String(data.phase) : kind === 'hold' ? String(data.code) : null;
}
