/** What is said of an operation that waits to be carried out. */
export interface OperationMessage {
  id: string;
  priority: number;
}

/**
 * How operations reach workers. The journal is the truth; a queue only brings the word, and may bring it twice, late, or
 * to a worker who finds that there is nothing to do.
 */
export interface OperationQueue {
  /** An operation has been committed. Nobody waits for it; what is lost is found again by the workers' sweeps. */
  announce(operation: OperationMessage): void;
  /**
   * As `announce`, but to the worker of this process alone, which waits for no word of it: others may have their hands full of what has no place
   * until this one is done.
   */
  announceHere(operation: OperationMessage): void;
  /**
   * From now on operations are handed to `take`, most urgent first, and no more than `capacity` at a time.
   * `take` never rejects. "ended": the queue forgets the operation; "later": somebody is to try again in a while; "full": it
   * stays here until something that runs here has ended, or for NO_PLACE_PAUSE_MS.
   */
  start(take: (operationId: string) => Promise<'ended' | 'later' | 'full'>, capacity: number): Promise<void>;
  /** Takes no more; resolves when all that was taken has come back. */
  stop(): Promise<void>;
}
