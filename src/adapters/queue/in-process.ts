import { NO_PLACE_PAUSE_MS } from '../../model/operation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { OperationMessage, OperationQueue } from '../../ports/operation-queue.ts';

type Take = Parameters<OperationQueue['start']>[0];

interface Entry {
  id: string;
  priority: number;
  state: 'ready' | 'running' | 'paused';
  /** Announced while it ran: what was announced may have happened after `take` looked. */
  again: boolean;
  /** How often `take` has said "later" since anybody last announced it for the first time. */
  deferrals: number;
  /** It rests because `take` has said "full". */
  isPlaceless: boolean;
  /** Ends the pause. */
  pause: AbortController | null;
}

export interface InProcessQueueSettings {
  clock: Clock;
  /** How long an operation rests after the so many-eth "later" in a row. */
  pauseMs(deferrals: number): number;
}

/** What a queue that stands on top of this one also asks. */
export interface InProcessQueue extends OperationQueue {
  /** Whether the operation waits, runs or rests here. */
  knows(operationId: string): boolean;
  /** Forgets it if it waits; false if it runs, rests, or is not here. */
  forgetWaiting(operationId: string): boolean;
}

/**
 * A queue in memory, for a process that carries out its own operations. An operation is in it once, however often it is
 * announced. What it forgets when the process dies is in the journal.
 */
export function createInProcessQueue({ clock, pauseMs }: InProcessQueueSettings): InProcessQueue {
  const entries = new Map<string, Entry>();
  /** By priority; within one, in the order in which they became ready. */
  const ready = new Map<number, Set<Entry>>();
  const underWay = new Set<Promise<void>>();
  let worker: { take: Take; capacity: number } | null = null;
  let stopped = false;

  function makeReady(entry: Entry): void {
    entry.state = 'ready';
    const line = ready.get(entry.priority) ?? new Set();
    ready.set(entry.priority, line.add(entry));
    startWhatFits();
  }

  function leaveLine(entry: Entry): void {
    const line = ready.get(entry.priority);
    line?.delete(entry);
    if (line?.size === 0) ready.delete(entry.priority);
  }

  function mostUrgent(): Entry | null {
    if (ready.size === 0) return null;
    const [first = null] = ready.get(Math.max(...ready.keys())) ?? [];
    return first;
  }

  function startWhatFits(): void {
    while (worker && !stopped && underWay.size < worker.capacity) {
      const entry = mostUrgent();
      if (!entry) return;
      leaveLine(entry);
      entry.state = 'running';
      const run = carryOut(entry, worker.take).finally(() => {
        underWay.delete(run);
        startWhatFits();
      });
      underWay.add(run);
    }
  }

  async function carryOut(entry: Entry, take: Take): Promise<void> {
    const end = await take(entry.id);
    if (stopped) return;
    if (end !== 'full') wakePlaceless();
    if (entry.again) {
      entry.again = false;
      makeReady(entry);
    } else if (end === 'ended') {
      entries.delete(entry.id);
    } else {
      void rest(entry, end);
    }
  }

  /** What has ended here may have had the place that one of these waits for. */
  function wakePlaceless(): void {
    for (const entry of entries.values()) if (entry.state === 'paused' && entry.isPlaceless) wake(entry);
  }

  function wake(entry: Entry): void {
    entry.pause?.abort();
    makeReady(entry);
  }

  async function rest(entry: Entry, why: 'later' | 'full'): Promise<void> {
    entry.isPlaceless = why === 'full';
    if (!entry.isPlaceless) entry.deferrals++;
    entry.state = 'paused';
    entry.pause = new AbortController();
    // Whoever ends the pause decides what follows.
    await clock.sleep(entry.isPlaceless ? NO_PLACE_PAUSE_MS : pauseMs(entry.deferrals), entry.pause.signal).then(
      () => makeReady(entry),
      () => {},
    );
  }

  function announce({ id, priority }: OperationMessage): void {
    if (stopped) return;
    const entry = entries.get(id);
    if (!entry) {
      const fresh: Entry = {
        id,
        priority,
        state: 'ready',
        again: false,
        deferrals: 0,
        isPlaceless: false,
        pause: null,
      };
      entries.set(id, fresh);
      makeReady(fresh);
    } else if (entry.state === 'running') {
      entry.again = true;
    } else if (entry.state === 'paused') {
      wake(entry);
    } else if (priority > entry.priority) {
      leaveLine(entry);
      entry.priority = priority;
      makeReady(entry);
    }
  }

  return {
    announce,
    announceHere: announce,

    async start(take, capacity) {
      worker = { take, capacity };
      startWhatFits();
    },

    async stop() {
      stopped = true;
      for (const { pause } of entries.values()) pause?.abort();
      entries.clear();
      ready.clear();
      await Promise.all(underWay);
    },

    knows: (operationId) => entries.has(operationId),

    forgetWaiting(operationId) {
      const entry = entries.get(operationId);
      if (entry?.state !== 'ready') return false;
      leaveLine(entry);
      return entries.delete(operationId);
    },
  };
}
