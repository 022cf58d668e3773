/** Who is working, so that work left by a dead process can be distinguished from work under way. */
export interface WorkerIdentity {
  /** This process: `host/pid/start-time`, unique over reboots and reused pids. */
  readonly self: string;
  /** False only when that process surely no longer runs on this host; a process of another host counts as alive. */
  isAlive(worker: string): boolean;
}
