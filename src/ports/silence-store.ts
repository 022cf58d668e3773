import type { AmphoraStatus } from '../model/amphora.ts';
import type { ProvisioningStatus, Topology } from '../model/load-balancer.ts';
import type { NewOperation } from '../model/operation.ts';
import type { SilenceFinding, SilenceSurvey, SilentAmphoraReport } from '../model/silence.ts';

/** What counts as silent, and now: times as other rows have them, ISO 8601 UTC. */
export interface SilenceMoment {
  now: string;
  /** Last heard of before this: silent. */
  silentBefore: string;
}

/** A silent amphora of a load balancer that no operation holds, claimed by one examiner. */
export interface SilentAmphora {
  id: string;
  status: AmphoraStatus;
  loadBalancerId: string;
  loadBalancerStatus: ProvisioningStatus;
  computeId: string | null;
  lbNetworkIp: string | null;
  lastHeard: string;
  /** Of the last examination in this silence. */
  finding: SilenceFinding | null;
  attempts: number;
  /** Of its load balancer. */
  topology: Topology;
  /** Another amphora serves in its place (of a pair: with its role), and is heard of. */
  isReplaced: boolean;
  /** Of this claim: what is decided counts only while it is in force. */
  examiner: string;
}

/** What is decided about a claimed amphora. */
export interface SilenceDecision {
  finding: SilenceFinding;
  /** Not examined again before. */
  examineAfter: string;
}

/** Silent amphorae that serve load balancers. No method's cost grows with the amphorae that are heard of, but `countServing`. */
export interface SilenceStore {
  /** @param recentSince failovers asked for since then are recent. */
  survey(moment: SilenceMoment, recentSince: string): Promise<SilenceSurvey>;
  countServing(): Promise<number>;
  /** Those that have been silent for longest first. */
  list(moment: SilenceMoment, limit: number): Promise<SilentAmphoraReport[]>;
  /**
   * Takes silent amphorae to be examined, those first for which nothing was tried: nobody else gets them until then. Left
   * out are those whose load balancer is being changed, and those that are to be left alone for now.
   */
  claim(moment: SilenceMoment, claim: { examiner: string; until: string; limit: number }): Promise<SilentAmphora[]>;
  /**
   * Asks for the failover, in one transaction with the load balancer's status.
   * @returns false when it is not to be: the amphora is heard of again or gone, its claim is over, or the load balancer has
   * another status by now. Then the claim is given back.
   */
  requestFailover(
    amphora: SilentAmphora,
    decision: SilenceDecision,
    operation: NewOperation,
    now: string,
  ): Promise<boolean>;
  /**
   * Records what was found; with it, perhaps, an operation. What is `unknown` was no attempt. False when the claim is over.
   */
  record(
    amphora: SilentAmphora,
    decision: SilenceDecision,
    operation: NewOperation | null,
    now: string,
  ): Promise<boolean>;
  /**
   * Load balancers that nothing serves: operating status ERROR, whatever their rows say. Heartbeats bring them back. At most
   * so many at once; the rest follows with the next call.
   * @returns how many rows were changed.
   */
  markErrors(moment: SilenceMoment, limit: number): Promise<number>;
  /** False when it is open already. */
  openBreaker(opened: { at: string; silentCount: number; threshold: number }): Promise<boolean>;
  /** Because heartbeats came back. False when it is closed already. */
  closeBreaker(listenUntil: string): Promise<boolean>;
  /** By hand: closes it, and what is silent by then no longer counts. @returns whether it was open. */
  resume(at: string): Promise<boolean>;
  /** After the wall clock was set back: nothing was heard of in the future. */
  forgetFuture(now: string): Promise<void>;
}
