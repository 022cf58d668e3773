import { KilnError, toKilnError } from '../../model/errors.ts';
import type { BuildPlaces, WantedBuild } from '../../ports/build-places.ts';
import type { Clock } from '../../ports/clock.ts';

/** Places for amphorae that are being built: [haproxy_amphora] build_rate_limit of them, in all processes together. */
export interface BuildSlots {
  /**
   * Waits until the operation may build these amphorae, all of them. What may be built already is so at once.
   * @returns whether it was let in just now: what it knew before it waited may be old.
   * @throws SERVICE_LIMIT when the worker is to stop: those who have the places may be at rest already.
   */
  acquire(operationId: string, amphoraIds: readonly string[], stop: AbortSignal): Promise<boolean>;
  /** Gives the place of one amphora back, or all of the operation's, or its turn. Idempotent. */
  release(operationId: string, amphoraId?: string): Promise<void>;
}

export interface BuildSlotsSettings {
  places: BuildPlaces;
  clock: Clock;
  /** Read at each turn; -1: any number, and nothing is written about it. */
  limit(): number;
}

/** How often those who wait look whether another process has given back a place. */
const LOOK_EVERY_MS = 2_000;

interface Waiting extends WantedBuild {
  letIn(): void;
  refuse(error: unknown): void;
}

/** One look for all that wait in this process, at once when this process gives a place back. */
export function createBuildSlots({ places, clock, limit }: BuildSlotsSettings): BuildSlots {
  /** What this process was told that it may build: amphorae by operation. */
  const inside = new Map<string, ReadonlySet<string>>();
  const waiting = new Map<string, Waiting>();
  let pause = new AbortController();
  let isLooking = false;

  function note({ operationId, amphoraIds }: WantedBuild): void {
    inside.set(operationId, new Set([...(inside.get(operationId) ?? []), ...amphoraIds]));
  }

  async function look(): Promise<void> {
    const all = [...waiting.values()];
    const turns = limit() < 0 ? new Set(waiting.keys()) : await places.enter(all, limit());
    // Who gave up meanwhile is let in nowhere: its operation goes back, and with it the place.
    for (const one of all) {
      if (!turns.has(one.operationId) || waiting.get(one.operationId) !== one) continue;
      waiting.delete(one.operationId);
      note(one);
      one.letIn();
    }
  }

  async function keepLooking(): Promise<void> {
    if (isLooking) return;
    isLooking = true;
    while (waiting.size > 0) {
      pause = new AbortController();
      await look().catch((error: unknown) => {
        // While the database is away nobody is let in.
        if (toKilnError(error).retryable) return;
        for (const one of waiting.values()) one.refuse(error);
        waiting.clear();
      });
      if (waiting.size > 0) await clock.sleep(LOOK_EVERY_MS, pause.signal).catch(() => {});
    }
    isLooking = false;
  }

  return {
    async acquire(operationId, amphoraIds, stop) {
      const mine = inside.get(operationId);
      if (mine && amphoraIds.every((id) => mine.has(id))) return false;
      if (limit() < 0) {
        note({ operationId, amphoraIds });
        return true;
      }
      const turn = Promise.withResolvers<void>();
      const giveUp = () => {
        waiting.delete(operationId);
        turn.reject(new KilnError('SERVICE_LIMIT', 'the worker stops while this amphora waits to be built'));
      };
      if (stop.aborted) giveUp();
      else {
        waiting.set(operationId, { operationId, amphoraIds, letIn: turn.resolve, refuse: turn.reject });
        stop.addEventListener('abort', giveUp, { once: true });
        // A look that is under way has not seen this one.
        pause.abort();
        void keepLooking();
      }
      await turn.promise.finally(() => stop.removeEventListener('abort', giveUp));
      return true;
    },

    async release(operationId, amphoraId) {
      const left = amphoraId === undefined ? [] : [...(inside.get(operationId) ?? [])].filter((id) => id !== amphoraId);
      if (left.length > 0) inside.set(operationId, new Set(left));
      else inside.delete(operationId);
      waiting.delete(operationId);
      if (limit() >= 0) await places.leave(operationId, amphoraId);
      pause.abort();
    },
  };
}
