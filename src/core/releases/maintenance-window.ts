import type { MaintenanceWindow, ReleaseSpec } from '../../model/release.ts';
import { type Cron, parseCron } from './cron.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** More than any zone sets its clocks on or back. */
const LONGEST_CHANGE_MS = 3 * 3_600_000;
/** The 29th of February of a leap year comes after eight years at the latest. */
const LOOK_AHEAD_DAYS = 8 * 366;

/** When moves may start. */
export interface Opening {
  isOpen: boolean;
  /** When it closes, or opens; null: never. */
  changesAtMs: number | null;
}

/** How much of a window a move needs: the two of a pair, each looked at. */
export function roomForMoveMs({ expectedMoveSeconds, policy }: Pick<ReleaseSpec, 'expectedMoveSeconds' | 'policy'>) {
  return 2 * (expectedMoveSeconds + policy.settleSeconds + policy.watchSeconds) * 1000;
}

/**
 * Whether one of the windows is open, and has so much time left.
 * @param neededMs what is begun has to end before the window does.
 */
export function openingAt(windows: readonly MaintenanceWindow[], nowMs: number, neededMs: number): Opening {
  if (windows.length === 0) return { isOpen: true, changesAtMs: null };
  let closesMs = Number.NEGATIVE_INFINITY;
  let opensMs = Number.POSITIVE_INFINITY;
  for (const { cron, zone, durationMinutes } of windows) {
    const parsed = parseCron(cron);
    const lengthMs = durationMinutes * MINUTE_MS;
    const usableMs = lengthMs - neededMs;
    const start = usableMs < 0 ? null : firstStart(parsed, zone, nowMs - usableMs);
    if (start === null) continue;
    if (start > nowMs) opensMs = Math.min(opensMs, start);
    else closesMs = Math.max(closesMs, start + usableMs);
  }
  if (closesMs >= nowMs) return { isOpen: true, changesAtMs: closesMs + 1 };
  return { isOpen: false, changesAtMs: Number.isFinite(opensMs) ? opensMs : null };
}

/** Openings and closings that are looked at, of all windows together: what comes later is taken to be as before. */
const MOST_LOOKS = 200;
const LEAST_LOOKS = 12;

/**
 * From now to about the end of work that goes on only while a window is open.
 * @param workMs how long it takes if nothing stops it.
 * @returns null: it does not end.
 */
export function spanInWindows(
  windows: readonly MaintenanceWindow[],
  nowMs: number,
  neededMs: number,
  workMs: number,
): number | null {
  let atMs = nowMs;
  let leftMs = workMs;
  const looks = Math.max(LEAST_LOOKS, MOST_LOOKS / Math.max(1, windows.length));
  for (let look = 0; look < looks; look++) {
    const { isOpen, changesAtMs } = openingAt(windows, atMs, neededMs);
    const endMs = changesAtMs ?? Number.POSITIVE_INFINITY;
    if (isOpen && endMs - atMs >= leftMs) return atMs + leftMs - nowMs;
    if (changesAtMs === null) return null;
    if (isOpen) leftMs -= endMs - atMs;
    atMs = endMs;
  }
  const doneMs = workMs - leftMs;
  return doneMs === 0 ? null : Math.round(((atMs - nowMs) * workMs) / doneMs);
}

/**
 * The first start at or after a time. A time of day that a change of the clock leaves out is later by as much; one that comes twice
 * counts once, the first time.
 */
function firstStart(cron: Cron, zone: string, fromMs: number): number | null {
  const fromLocalMs = fromMs + offsetMs(zone, fromMs);
  const today = Math.floor(fromLocalMs / DAY_MS);
  // From the day before: a time of day that is left out at midnight moves to the next day.
  for (let day = today - 1; day <= today + LOOK_AHEAD_DAYS; day++) {
    if (!isDay(cron, new Date(day * DAY_MS))) continue;
    for (const hour of cron.hours) {
      for (const minute of cron.minutes) {
        const localMs = day * DAY_MS + (hour * 60 + minute) * MINUTE_MS;
        // Asking for the zone's time is what takes long.
        if (localMs < fromLocalMs - LONGEST_CHANGE_MS) continue;
        const atMs = instantOf(localMs, zone);
        if (atMs >= fromMs) return atMs;
      }
    }
  }
  return null;
}

function isDay({ days, months, weekdays, isEitherDay }: Cron, date: Date): boolean {
  if (!months.includes(date.getUTCMonth() + 1)) return false;
  const isOfMonth = days.includes(date.getUTCDate());
  const isOfWeek = weekdays.includes(date.getUTCDay());
  return isEitherDay ? isOfMonth || isOfWeek : isOfMonth && isOfWeek;
}

/** @param localMs what clocks on the wall show, as if they showed UTC. */
function instantOf(localMs: number, zone: string): number {
  const before = localMs - offsetMs(zone, localMs - DAY_MS);
  if (before + offsetMs(zone, before) === localMs) return before;
  const after = localMs - offsetMs(zone, localMs + DAY_MS);
  return after + offsetMs(zone, after) === localMs ? after : before;
}

/** Making one takes a hundred times as long as using it. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** How much clocks on the wall are ahead of UTC. */
function offsetMs(zone: string, atMs: number): number {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    formats.set(zone, format);
  }
  const name = format.formatToParts(atMs).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours = '0', minutes = '0'] = /^GMT(?:([+-])(\d{2}):(\d{2}))?/u.exec(name) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
}
