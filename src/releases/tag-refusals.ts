import type { Window } from '../core/releases/window.ts';
import { growingPauseMs } from '../lib/growing-pause.ts';
import { createTtlMap } from '../lib/ttl-map.ts';
import type { Clock } from '../ports/clock.ts';

/** A tag that was refused is tried again after so long. */
const AGAIN = { firstMs: 5_000, longestMs: 600_000 };
/** Releases that are under way are looked at more often; those that have ended are forgotten. */
const KEPT_MS = 2 * AGAIN.longestMs;

/** Of releases whose tag Glance did not let this process move. */
export interface TagRefusals {
  refused(releaseId: string, message: string): void;
  moved(releaseId: string): void;
  /** Null: there was none, or it is to be tried again now. */
  find(releaseId: string): Window['tagRefusal'];
}

export function createTagRefusals(clock: Clock): TagRefusals {
  const nowMs = () => clock.monotonicMs();
  const found = createTtlMap<{ message: string; refusals: number; untilMs: number }>(nowMs, KEPT_MS);
  return {
    refused(releaseId, message) {
      const refusals = (found.get(releaseId)?.refusals ?? 0) + 1;
      found.set(releaseId, { message, refusals, untilMs: nowMs() + growingPauseMs(refusals, AGAIN) });
    },
    moved: (releaseId) => found.delete(releaseId),
    find(releaseId) {
      const last = found.get(releaseId);
      const leftMs = (last?.untilMs ?? 0) - nowMs();
      return last && leftMs > 0 ? { message: last.message, untilMs: clock.now().getTime() + leftMs } : null;
    },
  };
}
