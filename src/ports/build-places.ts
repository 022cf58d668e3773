/** What an operation is about to build: all of it, or nothing, is let in. */
export interface WantedBuild {
  operationId: string;
  amphoraIds: readonly string[];
}

/** Places for amphorae that are being built, shared by all processes. */
export interface BuildPlaces {
  /**
   * Enters what wants to build, and lets in whoever's turn it is, in all processes: the most urgent operation first, then the
   * oldest. Nobody is let past one that needs more places than are free. Who is in stays in.
   * @param limit places; an operation that builds more amphorae at once than that needs all of them.
   * @returns those of `wanted` that are in, by operation.
   */
  enter(wanted: readonly WantedBuild[], limit: number): Promise<ReadonlySet<string>>;
  /**
   * One amphora of the operation is built, or waits no longer; without an ID: all of them. Idempotent. Operations that ended,
   * or have no worker, have left as well.
   */
  leave(operationId: string, amphoraId?: string): Promise<void>;
}
