/**
 * Load balancers that an API process is about to make. It takes their VIP from the network before it can write them down,
 * and may be killed in between: what is reserved here and never made is found again, and its port given back.
 */
export interface VipReservations {
  /** Before the network is asked. The transaction that makes the load balancer takes the reservation away. */
  reserve(loadBalancerId: string): Promise<void>;
  /** From now on it can't be made. False when it was made after all: its VIP is its own. Idempotent. */
  giveUp(loadBalancerId: string): Promise<boolean>;
  /** IDs of what was given up, and of what is older than this and is given up by it; the oldest first. */
  giveUpOlderThan(reservedBefore: string, limit: number): Promise<string[]>;
  /** What `giveUpOlderThan` would return; nothing is given up. */
  findOlderThan(reservedBefore: string, limit: number): Promise<string[]>;
  /**
   * Once nothing of it is left in the network.
   * @param options.mayTurnUp something of it may still come to be there, or be written down by a process that was halted: it can't
   * be made any more, and what turns up is known as ours.
   */
  forget(loadBalancerId: string, options: { mayTurnUp: boolean }): Promise<void>;
}
