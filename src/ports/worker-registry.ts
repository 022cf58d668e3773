/** Which workers live, over all hosts: what a dead one was doing is carried on by another. */
export interface WorkerRegistry {
  /**
   * This worker lives. It says so again well within the lease, and whoever could not for a whole lease must expect that
   * others carry on what it was doing.
   */
  beat(): Promise<void>;
  /**
   * False when the worker surely no longer runs: a process of this host that is gone at once, one elsewhere when it has
   * not beaten for a lease while it was watched. The watch begins with the first question, so ask again and again.
   */
  isAlive(worker: string): Promise<boolean>;
  /** This worker ends, and has nothing left. */
  remove(): Promise<void>;
}
