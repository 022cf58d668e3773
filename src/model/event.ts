/** Something that happened, wherever in Kiln: asked for or ended, decided, seen. Never changed afterwards. */
export interface KilnEvent {
  /** The same for the same event, however often it is read. By time, then by what happened: those that are later are larger. */
  id: string;
  atMs: number;
  source: EventSource;
  /** Of a release: as in ReleaseEvent. Of an operation: `queued`, `done`, `undone`. Of a tag: `tagged`, `untagged`. */
  kind: string;
  /** Who did it; null: not known. */
  actor: string | null;
  loadBalancerId: string | null;
  releaseId: string | null;
  operationId: string | null;
  reason: string;
  data: Readonly<Record<string, unknown>>;
}

export type EventSource = 'release' | 'operation' | 'tag';

const idPattern = /^(\d{1,15})-[\w-]{16}$/;

/** @param digest of what happened. */
export const eventId = (atMs: number, digest: string): string => `${atMs}-${digest.slice(0, 16)}`;

/** When the event with this ID happened; null: it is no ID of an event. */
export function timeOfEventId(id: string): number | null {
  const [, atMs] = idPattern.exec(id) ?? [];
  return atMs === undefined ? null : Number(atMs);
}

/** The order of events: by time, and as the IDs are where that is the same. */
export function compareEvents(one: Pick<KilnEvent, 'id' | 'atMs'>, other: Pick<KilnEvent, 'id' | 'atMs'>): number {
  return one.atMs - other.atMs || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);
}
