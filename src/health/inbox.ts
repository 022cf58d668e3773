import { admitSequence, type SequenceState } from '../core/health/admit-sequence.ts';
import { addTraffic, type Traffic, trafficOf } from '../core/health/traffic.ts';
import type { Heartbeat } from '../core/heartbeat/message.ts';
import { createTtlMap } from '../lib/ttl-map.ts';

/** The newest heartbeat of an amphora, and the traffic of all those that it stands for. */
export interface Waiting {
  heartbeat: Heartbeat;
  traffic: Traffic;
  receivedAt: Date;
  /** How many it stands for. */
  beats: number;
  /** How often the agent began to count anew among them. */
  restarts: number;
}

/**
 * - queued: it waits.
 * - coalesced: it waits in the place of an older one, whose traffic is kept.
 * - held: it may be an old one, sent again; what comes next shows.
 * - replayed, full: dropped.
 */
export type Reception = 'queued' | 'coalesced' | 'held' | 'replayed' | 'full';

/** Where heartbeats wait for being recorded: one of each amphora, the newest. */
export interface Inbox {
  put(heartbeat: Heartbeat, receivedAt: Date): Reception;
  /** Those that have waited longest, at most so many. They wait no longer. */
  take(limit: number): Waiting[];
  /** Those that could not be recorded. Newer ones take them up. */
  putBack(taken: readonly Waiting[]): void;
  size(): number;
}

interface Sender {
  sequence: SequenceState;
  /** Of heartbeats that are held. */
  heldTraffic: Traffic | null;
}

const FORGET_SENDER_AFTER_MS = 3_600_000;

/** @param options.patienceMs see admitSequence. */
export function createInbox(options: {
  monotonicMs: () => number;
  patienceMs: () => number;
  largestSize: number;
}): Inbox {
  const { monotonicMs, patienceMs, largestSize } = options;
  const waiting = new Map<string, Waiting>();
  const senders = createTtlMap<Sender>(monotonicMs, FORGET_SENDER_AFTER_MS);

  return {
    put(heartbeat, receivedAt) {
      const { amphoraId } = heartbeat;
      const before = waiting.get(amphoraId);
      if (!before && waiting.size >= largestSize) return 'full';
      const sender = senders.get(amphoraId);
      const { admission, state } = admitSequence(sender?.sequence, heartbeat.sequence, monotonicMs(), patienceMs());
      if (admission === 'drop') return 'replayed';
      const traffic = trafficOf(heartbeat);
      const held = sender?.heldTraffic ?? null;
      if (admission === 'hold') {
        senders.set(amphoraId, { sequence: state, heldTraffic: held ? addTraffic(held, traffic) : traffic });
        return 'held';
      }
      // Held ones before an agent that goes on were old ones.
      const own = admission === 'restarted' && held ? addTraffic(held, traffic) : traffic;
      senders.set(amphoraId, { sequence: state, heldTraffic: null });
      const restarts = admission === 'restarted' ? 1 : 0;
      const one: Waiting = { heartbeat, traffic: own, receivedAt, beats: 1, restarts };
      waiting.set(amphoraId, before ? together(before, one) : one);
      return before ? 'coalesced' : 'queued';
    },

    take(limit) {
      const taken: Waiting[] = [];
      for (const [amphoraId, one] of waiting) {
        if (taken.length === limit) break;
        taken.push(one);
        waiting.delete(amphoraId);
      }
      return taken;
    },

    putBack(taken) {
      for (const one of taken) {
        const newer = waiting.get(one.heartbeat.amphoraId);
        waiting.set(one.heartbeat.amphoraId, newer ? together(one, newer) : one);
      }
    },

    size: () => waiting.size,
  };
}

function together(earlier: Waiting, later: Waiting): Waiting {
  return {
    ...later,
    traffic: addTraffic(earlier.traffic, later.traffic),
    beats: earlier.beats + later.beats,
    restarts: earlier.restarts + later.restarts,
  };
}
