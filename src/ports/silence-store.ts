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

/** A silent amphora of a load balancer, claimed by one examiner. */
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

/**
 * Which silent amphorae are claimed: those that may be failed over (no operation holds their load balancer), those that were not
 * examined in this silence, or all that are due.
 */
export type SilentAmong = 'repairable' | 'unexamined' | 'due';

/** Silent amphorae that serve load balancers. No method's cost grows with the amphorae that are heard of, but `countServing`. */
export interface SilenceStore {
  /** @param recentSince failovers asked for since then are recent. */
  survey(moment: SilenceMoment, recentSince: string): Promise<SilenceSurvey>;
  countServing(): Promise<number>;
  /** Those that have been silent for longest first. */
  list(moment: SilenceMoment, limit: number): Promise<SilentAmphoraReport[]>;
  /**
   * Takes silent amphorae to be examined, those first for which nothing was tried: nobody else gets them until then. Left
   * out are those that are to be left alone for now.
   */
  claim(
    moment: SilenceMoment,
    claim: { examiner: string; until: string; limit: number; among: SilentAmong },
  ): Promise<SilentAmphora[]>;
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
   * Records one finding on claimed amphorae that were only asked: no attempt. `examineAfter` null: examined again at once. Left
   * out is who was heard of meanwhile, or whose claim is over.
   */
  note(
    amphorae: readonly SilentAmphora[],
    noted: { finding: SilenceFinding; examineAfter: string | null },
    now: string,
  ): Promise<void>;
  /**
   * Load balancers that nothing serves, as far as their amphorae were examined: operating status ERROR, whatever their rows say.
   * Heartbeats bring them back. At most so many at once; the rest follows with the next call.
   * @returns how many rows were changed.
   */
  markErrors(moment: SilenceMoment, limit: number): Promise<number>;
  /**
   * The way back for load balancers in operating status ERROR of which a silent amphora answers: they become what their pools and
   * listeners were last reported to be. At most so many at once.
   * @returns how many rows were changed.
   */
  markServing(moment: SilenceMoment, limit: number): Promise<number>;
  /** False when it is open already. */
  openBreaker(opened: { at: string; silentCount: number; threshold: number }): Promise<boolean>;
  /** Because few are silent without an explanation. What nobody could tell of is examined again. False when it is closed already. */
  closeBreaker(listenUntil: string): Promise<boolean>;
  /** By hand: closes it, what is silent by then no longer counts, and what nobody could tell of is examined again. @returns whether it was open. */
  resume(at: string): Promise<boolean>;
  /** After the wall clock was set back: nothing was heard of in the future. */
  forgetFuture(now: string): Promise<void>;
}
