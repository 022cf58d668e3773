import { KilnError, toKilnError } from '../../model/errors.ts';
import type { BuildPlaces, WantedBuild } from '../../ports/build-places.ts';
import type { Clock } from '../../ports/clock.ts';

/** Places for amphorae that are being built: [haproxy_amphora] build_rate_limit of them, in all processes together. */
export interface BuildSlots {
  /**
   * Waits until the operation may build these amphorae, all of them. What may be built already is so at once. Branches of one
   * operation may ask for an amphora each.
   * @param stop the worker is to stop, and those who have the places may be at rest already; or the operation goes back.
   * @param beforeWaiting called where there may not be a place at once.
   * @returns whether it was let in just now: what it knew before it waited may be old.
   * @throws SERVICE_LIMIT when stopped.
   */
  acquire(
    operationId: string,
    amphoraIds: readonly string[],
    stop: AbortSignal,
    beforeWaiting?: () => Promise<void>,
  ): Promise<boolean>;
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
  /** What this process may build: amphorae by operation. */
  const inside = new Map<string, ReadonlySet<string>>();
  const waiting = new Set<Waiting>();
  let pause = new AbortController();
  let isLooking = false;

  function note({ operationId, amphoraIds }: WantedBuild): void {
    inside.set(operationId, new Set([...(inside.get(operationId) ?? []), ...amphoraIds]));
  }

  async function look(): Promise<void> {
    const all = [...waiting];
    const wanted = byOperation(all);
    const turns = limit() < 0 ? null : await places.enter(wanted, limit());
    // Who gave up meanwhile is let in nowhere: its operation goes back, and with it the place.
    for (const one of all) {
      if ((turns && !turns.has(one.operationId)) || !waiting.delete(one)) continue;
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
        for (const one of waiting) one.refuse(error);
        waiting.clear();
      });
      if (waiting.size > 0) await clock.sleep(LOOK_EVERY_MS, pause.signal).catch(() => {});
    }
    isLooking = false;
  }

  return {
    async acquire(operationId, amphoraIds, stop, beforeWaiting) {
      const mine = inside.get(operationId);
      if (mine && amphoraIds.every((id) => mine.has(id))) return false;
      if (limit() < 0) {
        note({ operationId, amphoraIds });
        return true;
      }
      await beforeWaiting?.();
      const turn = Promise.withResolvers<void>();
      const own: Waiting = { operationId, amphoraIds, letIn: turn.resolve, refuse: turn.reject };
      const giveUp = () => {
        waiting.delete(own);
        turn.reject(new KilnError('SERVICE_LIMIT', 'an amphora waited to be built, and is not to be any more for now'));
      };
      if (stop.aborted) giveUp();
      else {
        waiting.add(own);
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
      for (const one of waiting) {
        const isIt = amphoraId === undefined || one.amphoraIds.every((id) => id === amphoraId);
        if (one.operationId === operationId && isIt) waiting.delete(one);
      }
      if (limit() >= 0) await places.leave(operationId, amphoraId);
      if (isLooking) pause.abort();
    },
  };
}

/** What branches of one operation want is its one wish. */
function byOperation(wanted: readonly WantedBuild[]): WantedBuild[] {
  const groups = Map.groupBy(wanted, ({ operationId }) => operationId);
  return [...groups].map(([operationId, group]) => ({
    operationId,
    amphoraIds: group.flatMap(({ amphoraIds }) => amphoraIds),
  }));
}
