import type { KilnEvent } from '../model/event.ts';

/** What happened, read from where it is recorded. Each method is one statement. */
export interface EventStore {
  /** From then on, at most so many, in their order. */
  since(atMs: number, limit: number): Promise<KilnEvent[]>;
  /** At most so many, in their order; the newest ones. */
  newest(limit: number): Promise<KilnEvent[]>;
}

/** What happens in all of Kiln, for any number of followers. */
export interface EventFeed {
  /** @param after the ID of an event: those behind it, the first ones first. Null: the newest ones. */
  list(after: string | null, limit: number): Promise<readonly KilnEvent[]>;
  /**
   * What `list` has, then what happens, a few at a time; an empty list when there was nothing for a while. With `after`, what was
   * written late comes as well, and so may some that came before it. Ends by itself after a minute, and with the signal.
   * @throws TOO_MANY_STREAMS
   */
  follow(after: string | null, signal: AbortSignal): AsyncGenerator<readonly KilnEvent[], void, void>;
}
