/**
 * Which committed operations have not yet been announced to a broker. The mark stands in the operation's own row: what was
 * committed and not announced is found again, whoever died in between.
 */
export interface Outbox {
  /** Operations that have not ended and that no broker has confirmed, most urgent first, then oldest first. */
  unannounced(limit: number): Promise<{ id: string; priority: number }[]>;
  /** A broker has confirmed these messages. Repeating it changes nothing. */
  markAnnounced(operationIds: readonly string[]): Promise<void>;
}
