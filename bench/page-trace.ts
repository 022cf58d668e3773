interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** Microseconds. */
  ts: number;
  dur?: number;
  /** Of the processor, in microseconds. */
  tdur?: number;
  args: { name?: string };
}

/**
 * @param trace of Chromium.
 * @returns the longest task of a page's main thread: how long it took, how long it had the processor, and what it went into.
 */
export function longestTask(trace: Buffer): { milliseconds: number; processorMs: number; parts: string } {
  const { traceEvents } = JSON.parse(trace.toString('utf8')) as { traceEvents: TraceEvent[] };
  const mains = new Set(
    traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain').map(threadOf),
  );
  const events = traceEvents.filter((event) => event.ph === 'X' && mains.has(threadOf(event)));
  const tasks = events.filter(({ name }) => name === 'RunTask');
  const longest = tasks.reduce<TraceEvent | null>((most, one) => (lengthOf(one) > lengthOf(most) ? one : most), null);
  if (!longest) throw new Error('the trace has no task of a page');
  const inside = events.filter(
    (event) =>
      event !== longest &&
      threadOf(event) === threadOf(longest) &&
      event.ts >= longest.ts &&
      event.ts + lengthOf(event) <= longest.ts + lengthOf(longest),
  );
  const total = new Map<string, number>();
  for (const event of inside) total.set(event.name, (total.get(event.name) ?? 0) + lengthOf(event) / 1000);
  const parts = [...total]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 4)
    .map(([name, ms]) => `${name} ${ms.toFixed(0)}`)
    .join(', ');
  return { milliseconds: lengthOf(longest) / 1000, processorMs: (longest.tdur ?? 0) / 1000, parts };
}

const threadOf = ({ pid, tid }: TraceEvent): string => `${pid}.${tid}`;
const lengthOf = (event: TraceEvent | null): number => event?.dur ?? 0;
