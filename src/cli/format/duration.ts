const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** A measured time, three digits or so: "87 ms", "4.2 s", "2 min 05 s", "3 h 12 min". Negative counts as 0. */
export function formatDuration(milliseconds: number): string {
  const ms = Math.max(0, Math.round(milliseconds));
  if (ms < 1000) return `${ms} ms`;
  // 59.95 s would be printed as "60.0 s".
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  const minutes = Math.round(ms / minuteMs);
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

/** A span as people say it, one unit, rounded down: "less than a minute", "5 minutes", "3 hours", "41 days". */
export function formatSpan(milliseconds: number): string {
  const ms = Math.abs(milliseconds);
  if (ms < minuteMs) return 'less than a minute';
  if (ms < hourMs) return plural(Math.floor(ms / minuteMs), 'minute');
  if (ms < dayMs) return plural(Math.floor(ms / hourMs), 'hour');
  return plural(Math.floor(ms / dayMs), 'day');
}

/** How long ago a time was: "3 hours ago"; "in 2 days" for one that is to come; "unknown" for what is no time. */
export function formatAge(time: string, now: Date): string {
  const milliseconds = now.getTime() - Date.parse(time);
  if (Number.isNaN(milliseconds)) return 'unknown';
  return milliseconds < 0 ? `in ${formatSpan(milliseconds)}` : `${formatSpan(milliseconds)} ago`;
}

/** How old something is, for a column: "<1 min", "5 min", "3 h", "41 d"; "unknown" for what is no time. */
export function formatAgeShort(time: string, now: Date): string {
  const milliseconds = now.getTime() - Date.parse(time);
  if (Number.isNaN(milliseconds)) return 'unknown';
  if (milliseconds < minuteMs) return '<1 min';
  if (milliseconds < hourMs) return `${Math.floor(milliseconds / minuteMs)} min`;
  if (milliseconds < dayMs) return `${Math.floor(milliseconds / hourMs)} h`;
  return `${Math.floor(milliseconds / dayMs)} d`;
}

/** Whole days between two times, rounded down; NaN for what is no time. */
export function daysBetween(earlier: string | Date, later: string | Date): number {
  return Math.floor((new Date(later).getTime() - new Date(earlier).getTime()) / dayMs);
}

/** "1 image", "2 images". */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}
