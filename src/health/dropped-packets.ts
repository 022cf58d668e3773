import type { Log } from '../ports/log.ts';

/** Packets that are not taken, counted by why. */
export interface DroppedPackets {
  /** @param detail what is wrong with it, in words that hold nothing of the packet. */
  note(fault: string, detail: string, fromAddress: string): void;
  /** Reports what has not been reported yet. */
  flush(): void;
  readonly counts: Readonly<Record<string, number>>;
}

const LINE_EVERY_MS = 60_000;

/** Tells the first at once and then sums, a line a minute: anybody can send packets, and must not fill the log. */
export function createDroppedPackets(log: Log, monotonicMs: () => number): DroppedPackets {
  const counts: Record<string, number> = {};
  let untold: Record<string, number> = {};
  let last: { detail: string; fromAddress: string } | null = null;
  let nextLineAtMs = Number.NEGATIVE_INFINITY;

  function flush(): void {
    if (!last) return;
    log.warn(
      { dropped: untold, lastFrom: last.fromAddress },
      `heartbeat packets dropped; the last one: ${last.detail}`,
    );
    untold = {};
    last = null;
    nextLineAtMs = monotonicMs() + LINE_EVERY_MS;
  }

  return {
    counts,
    flush,
    note(fault, detail, fromAddress) {
      counts[fault] = (counts[fault] ?? 0) + 1;
      untold[fault] = (untold[fault] ?? 0) + 1;
      last = { detail, fromAddress };
      if (monotonicMs() >= nextLineAtMs) flush();
    },
  };
}
