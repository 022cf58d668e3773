/** Time. The only source of it in Kiln's core and flows, so that tests can move it. */
export interface Clock {
  /** Wall time; it may jump. For records and for comparing with times that others wrote. */
  now(): Date;
  /** Milliseconds that never go backwards. For measuring and for deadlines. */
  monotonicMs(): number;
  /** Resolves after `milliseconds`; rejects with the signal's reason when aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}
