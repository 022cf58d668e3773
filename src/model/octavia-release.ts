import type { Intent, Hold as ReleaseHold, ReleaseImage, ReleasePolicy } from './release.ts';
import type { PlannedTarget, ReleasePlan } from './release-plan.ts';

/** A release over an Octavia that runs already. Times are milliseconds since 1970 (`…Ms`). */

/** Something that was looked at before such a release. */
export interface OctaviaCheck {
  name: string;
  /** stop: the release is not begun. */
  outcome: 'ok' | 'warning' | 'stop';
  message: string;
}

export interface OctaviaPlanView {
  plan: ReleasePlan;
  checks: readonly OctaviaCheck[];
  /** What Kiln as the controller would do, and Octavia does not let anybody do. */
  cantBeHad: readonly string[];
}

export const octaviaPhases = [
  'locking',
  'probing',
  'canary',
  'rolling',
  'rolling-back',
  'completed',
  'rolled-back',
  'aborted',
  'rejected',
] as const;
export type OctaviaPhase = (typeof octaviaPhases)[number];
/** A release in one of these has ended. */
export const endedOctaviaPhases: readonly OctaviaPhase[] = ['completed', 'rolled-back', 'aborted', 'rejected'];

/**
 * measuring: looked at before its move. failed: to be failed over once more, with the former image. stuck: that did not help.
 */
export const octaviaTargetStates = [
  'pending',
  'measuring',
  'moving',
  'watching',
  'moved',
  'failed',
  'reverting',
  'reverted',
  'stuck',
  'skipped',
] as const;
export type OctaviaTargetState = (typeof octaviaTargetStates)[number];

/** Why it does not go on. */
export interface OctaviaHold extends Pick<ReleaseHold, 'message' | 'advice' | 'clears'> {
  code: 'FAILURES' | 'TAG_MOVED' | 'LOCK_TAKEN' | 'GATE' | 'IMAGE_UNUSABLE' | 'NO_WAY_BACK' | 'PENDING_LONG';
}

/** What was seen of a load balancer at one moment. */
export interface OctaviaLook {
  atMs: number;
  provisioningStatus: string;
  operatingStatus: string;
  imageIds: readonly string[];
  listeners: Readonly<Record<string, string>>;
  members: Readonly<Record<string, string>>;
  /** Ever since. */
  connections: number;
  requestErrors: number;
}

/** What is decided once, when it starts. */
export interface OctaviaReleaseStart {
  /** Of the file's format. */
  version: 1;
  releaseId: string;
  tag: string;
  image: ReleaseImage;
  /** Images that lose the tag, and get it back; never empty. */
  formerImageIds: readonly string[];
  policy: ReleasePolicy;
  planDigest: string;
  targets: readonly PlannedTarget[];
  /** Load balancers that are made to try the image; each boots one. */
  probes: readonly OctaviaProbe[];
}

export interface OctaviaProbe {
  name: string;
  provider: string;
  /** Of the flavor that is tried, without its tag. */
  flavorData: Readonly<Record<string, unknown>>;
  zone: string | null;
  subnetId: string;
}

/** A line of the state file, without its time. What names a call is written before it. */
export type OctaviaEvent =
  | ({ kind: 'start' } & OctaviaReleaseStart)
  | ({ kind: 'intent' } & Pick<Intent, 'want' | 'by' | 'reason'>)
  | { kind: 'phase'; phase: OctaviaPhase; reason: string }
  | { kind: 'wave'; wave: number }
  | { kind: 'baked'; wave: number }
  | { kind: 'lock'; imageIds: readonly string[] }
  | {
      kind: 'probe';
      name: string;
      step: string;
      /** Its load balancer: asked for with this line; there, or gone, with this one. */
      loadBalancer?: 'asked' | 'settled';
      /** The image serves with this flavor, and nothing is left of the probe. */
      hasPassed?: boolean;
    }
  | { kind: 'tag'; to: 'new' | 'former' }
  | { kind: 'tagged'; to: 'new' | 'former' }
  | { kind: 'look'; loadBalancerId: string; look: OctaviaLook }
  | {
      kind: 'move';
      loadBalancerId: string;
      purpose: 'forward' | 'back';
      /** Null: the load balancer is failed over as a whole. */
      amphoraId: string | null;
      /** Those that are there before it. */
      amphoraIds: readonly string[];
    }
  | { kind: 'sent'; loadBalancerId: string }
  | { kind: 'later'; loadBalancerId: string; notBeforeMs: number; reason: string }
  | { kind: 'arrived'; loadBalancerId: string; imageIds: readonly string[] }
  | { kind: 'judged'; loadBalancerId: string; isWhole: boolean; reason: string }
  | { kind: 'failed'; loadBalancerId: string; reason: string }
  | { kind: 'back'; loadBalancerId: string; state: 'reverted' | 'stuck' | 'failed'; reason: string }
  | { kind: 'skipped'; loadBalancerId: string; reason: string }
  | ({ kind: 'hold' } & OctaviaHold)
  | { kind: 'cleared'; code: OctaviaHold['code'] };

export type OctaviaRecord = { atMs: number } & OctaviaEvent;

/** A load balancer of the release, as the file has it. */
export interface OctaviaTarget extends PlannedTarget {
  state: OctaviaTargetState;
  sinceMs: number;
  notBeforeMs: number;
  /** Failovers that were asked for since it was last in peace. */
  attempt: number;
  /** The newest one that was asked for; null: none. */
  move: { purpose: 'forward' | 'back'; amphoraId: string | null; amphoraIds: readonly string[] } | null;
  /** At least one of its amphorae has the new image. */
  isTouched: boolean;
  /** Before its first move: the first and the last look. */
  before: readonly OctaviaLook[];
  /** Since it settled: the first and the last look. */
  after: readonly OctaviaLook[];
  reason: string;
}

/** A release, as the replay of its file gives it. */
export interface OctaviaReleaseState {
  start: OctaviaReleaseStart;
  startedAtMs: number;
  intent: Pick<Intent, 'want' | 'by' | 'reason'>;
  phase: OctaviaPhase;
  phaseReason: string;
  wave: number;
  bakedSinceMs: number | null;
  /** Waves behind whose gate an operator said to go on. */
  passedGates: readonly number[];
  /** Names of probes that need not be made again. */
  passedProbes: readonly string[];
  /** The probe whose load balancer was asked for, and not seen to be there since. */
  askedProbe: string | null;
  /** Where the tag was put; null: it was not touched. */
  tag: { to: 'new' | 'former'; isDone: boolean } | null;
  targets: ReadonlyMap<string, OctaviaTarget>;
  holds: readonly OctaviaHold[];
}
