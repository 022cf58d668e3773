/** A time of the API as a date; it has no zone and is UTC. */
export function parseTime(time: string): Date {
  return new Date(/(Z|[+-]\d\d:\d\d)$/.test(time) ? time : `${time}Z`);
}

/** `3 min`, `2 h`, `5 d`: one unit, rounded down. */
export function formatSpan(seconds: number): string {
  const size = Math.max(0, Math.floor(seconds));
  if (size < 60) return `${size} s`;
  if (size < 3600) return `${Math.floor(size / 60)} min`;
  if (size < 2 * 86_400) return `${Math.floor(size / 3600)} h`;
  return `${Math.floor(size / 86_400)} d`;
}

/** How long ago, or in how long. */
export function formatAge(time: Date, now: Date): string {
  const seconds = (now.getTime() - time.getTime()) / 1000;
  if (Math.abs(seconds) < 5) return 'now';
  return seconds >= 0 ? `${formatSpan(seconds)} ago` : `in ${formatSpan(-seconds)}`;
}

/** In the reader's zone; with the date where it is another day than today. */
export function formatLocal(time: Date, now: Date): string {
  const isToday = time.toDateString() === now.toDateString();
  const clock = time.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  if (isToday) return clock;
  const date = time.toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
  return `${date}, ${clock}`;
}

export const formatUtc = (time: Date): string => `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** `1 amphora`, `3 amphorae`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** A name that a tenant gave, or the beginning of the ID where there is none. */
export const nameOrId = (name: string | null, id: string): string => (name ? name : id.slice(0, 8));

/** By what a list of load balancers is filtered for what somebody typed: all of these compare the whole. */
export function searchFilter(text: string): Record<string, string> {
  const wanted = text.trim();
  if (wanted === '') return {};
  if (/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(wanted)) return { id: wanted.toLowerCase() };
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(wanted) || /^[0-9a-f]*:[0-9a-f:.]+$/i.test(wanted)) return { vip_address: wanted };
  return { name: wanted };
}

/** A sentence with somebody's words in it, in which these can turn nothing around: what changes the direction of text is shown as such. */
export const visible = (text: string): string =>
  text.replace(/[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g, '\uFFFD');

/** A part of a text of Kiln's own: what stands in backticks is a command, or a name of one; a time is for the reader's zone. */
export interface ProsePart {
  kind: 'text' | 'code' | 'time';
  text: string;
}

/** @param text may have somebody's words in it: see `visible`. */
export function readProse(text: string): ProsePart[] {
  const marked = /`([^`]*)`|\b(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/g;
  const parts: ProsePart[] = [];
  const shown = visible(text);
  let from = 0;
  for (const { 0: whole, 1: code, 2: time = '', index } of shown.matchAll(marked)) {
    if (code === undefined && Number.isNaN(Date.parse(time))) continue;
    if (index > from) parts.push({ kind: 'text', text: shown.slice(from, index) });
    parts.push(code === undefined ? { kind: 'time', text: time } : { kind: 'code', text: code });
    from = index + whole.length;
  }
  return from < shown.length ? [...parts, { kind: 'text', text: shown.slice(from) }] : parts;
}

const prefixes = ['', 'k', 'M', 'G', 'T'];

/** `0.25`, `12`, `1.5 k`: three digits at most. */
export function formatQuantity(value: number): string {
  let [size, power] = [value, 0];
  for (; size >= 999.5 && power < prefixes.length - 1; power++) size /= 1000;
  const digits = size >= 99.95 || Number.isInteger(size) ? 0 : size >= 9.995 ? 1 : 2;
  const text = size.toLocaleString(undefined, { maximumFractionDigits: digits });
  return `${text} ${prefixes[power]}`.trimEnd();
}
