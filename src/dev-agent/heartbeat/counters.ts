import { readFile } from 'node:fs/promises';
import { nullIfAbsent, writeWhole } from '../files.ts';

/** Counters of one listener since its HAProxy started. */
export interface Totals {
  bytesIn: number;
  bytesOut: number;
  totalConnections: number;
  requestErrors: number;
  serverErrors: number;
  connectErrors: number;
  responseErrors: number;
  retries: number;
}

/** What came since the last heartbeat. Kept in a file, so that an agent that is started anew tells nothing twice. */
export interface Counters {
  /** Takes the totals of now, and gives what they have grown by. Smaller ones mean that HAProxy was started anew. */
  advance(listenerId: string, now: Totals): Totals;
  /** Forgets listeners that are gone, and writes the rest down. */
  keep(listenerIds: ReadonlySet<string>): Promise<void>;
}

/** A file that can't be read is as none: the first heartbeat then tells all there is. */
export async function readCounters(file: string): Promise<Counters> {
  const text = await readFile(file, 'utf8').catch(nullIfAbsent);
  const last = new Map<string, Totals>(parse(text));
  return {
    advance(listenerId, now) {
      const before = last.get(listenerId);
      last.set(listenerId, now);
      const grown = (name: keyof Totals) => {
        // What an agent of before wrote down may lack it.
        const growth = now[name] - (before ? (before[name] ?? now[name]) : 0);
        return growth < 0 ? now[name] : growth;
      };
      return {
        bytesIn: grown('bytesIn'),
        bytesOut: grown('bytesOut'),
        totalConnections: grown('totalConnections'),
        requestErrors: grown('requestErrors'),
        serverErrors: grown('serverErrors'),
        connectErrors: grown('connectErrors'),
        responseErrors: grown('responseErrors'),
        retries: grown('retries'),
      };
    },
    async keep(listenerIds) {
      for (const id of last.keys()) if (!listenerIds.has(id)) last.delete(id);
      await writeWhole(file, JSON.stringify([...last]));
    },
  };
}

function parse(text: string | null): Array<[string, Totals]> {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
