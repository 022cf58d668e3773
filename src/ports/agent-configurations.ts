import type { FlowName } from '../model/flow-name.ts';
import type { NewOperation } from '../model/operation.ts';

/** An amphora whose agent has other heartbeat settings than those in force, as far as is known. */
export interface ConfigurationCandidate {
  amphoraId: string;
  /** Pushes that were begun since the last one that succeeded. */
  attempts: number;
}

/** Which agents have which heartbeat settings, and who was asked to send them. Times are ISO 8601 UTC. */
export interface AgentConfigurations {
  /** Those of load balancers that do not have this digest; without those that wait to be tried again, or are under way. */
  due(moment: { now: string; digest: string }, limit: number): Promise<ConfigurationCandidate[]>;
  /** Operations of this flow under way. */
  countRunning(flow: FlowName): Promise<number>;
  /**
   * Enqueues the operation in one transaction with the note of it.
   * @param retryAt not before then is it tried again.
   * @returns false when somebody else was faster, or the amphora is not what it was.
   */
  request(candidate: ConfigurationCandidate, operation: NewOperation, retryAt: string): Promise<boolean>;
}
