import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { growingPauseMs } from '../lib/growing-pause.ts';
import { ApiError, followLines } from './api.ts';
import { session } from './state.ts';
import type { KilnEvent } from './wire.ts';

/** So many are kept: what is further back is in the API. */
const MOST_KEPT = 1000;
const PAUSES = { firstMs: 1_000, longestMs: 15_000 };

/** With whose token they were read: whoever signs in next begins anew. */
let readWith: string | undefined;
/** Newest first. They stay while another view is looked at. */
export const events = signal<readonly KilnEvent[]>([]);
/** Why there are no new ones; null: they come. */
export const streamError = signal<ApiError | null>(null);

/** Follows what happens while the page is to be seen, and takes it up again where it broke off. */
export function useEventStream(): void {
  useEffect(() => {
    let gone = new AbortController();
    const onVisibility = () => {
      if (document.hidden) gone.abort();
      else if (gone.signal.aborted) {
        gone = new AbortController();
        void keepFollowing(gone.signal);
      }
    };
    document.addEventListener('visibilitychange', onVisibility);
    void keepFollowing(gone.signal);
    return () => {
      document.removeEventListener('visibilitychange', onVisibility);
      gone.abort();
    };
  }, []);
}

async function keepFollowing(signal: AbortSignal): Promise<void> {
  const token = session.value?.token;
  if (token !== readWith) events.value = [];
  readWith = token;
  for (let failures = 0; !signal.aborted; ) {
    try {
      const newest = events.value[0]?.id;
      const after = newest === undefined ? '' : `&after=${encodeURIComponent(newest)}`;
      await followLines<KilnEvent>(`v2/kiln/events?follow=true${after}`, signal, (lines) => {
        streamError.value = null;
        failures = 0;
        if (lines.length > 0) events.value = merge(events.value, lines);
      });
    } catch (thrown) {
      if (signal.aborted) return;
      streamError.value = thrown instanceof ApiError ? thrown : new ApiError(0, String(thrown));
      failures++;
    }
    await new Promise((resolve) => setTimeout(resolve, growingPauseMs(failures + 1, PAUSES)));
  }
}

/** Each once, however often it was sent. */
function merge(known: readonly KilnEvent[], lines: readonly KilnEvent[]): KilnEvent[] {
  const all = new Map([...known, ...lines].map((event) => [event.id, event]));
  return [...all.values()].sort((one, other) => timeOf(other) - timeOf(one)).slice(0, MOST_KEPT);
}

const timeOf = ({ id }: KilnEvent): number => Number.parseInt(id, 10);
