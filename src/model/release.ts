/** A release: one image on its way to the load balancers of one tag. All times are milliseconds since 1970 (`…Ms`). */

export const releasePhases = [
  'planned',
  'probing',
  'canary',
  'tagging',
  'rolling',
  'rolling-back',
  'completed',
  'rolled-back',
  'aborted',
  'rejected',
] as const;
export type ReleasePhase = (typeof releasePhases)[number];
/** A release in one of these has ended: nothing of it changes any more, and the next one of its tag may start. */
export const endedPhases: readonly ReleasePhase[] = ['completed', 'rolled-back', 'aborted', 'rejected'];

/**
 * pending: still to move. moving: an operation replaces its amphora (of a pair: one of the two). watching: replaced, and looked
 * at. failed: could not be moved, or is worse than before. reverting: an operation takes it back. stuck: can't be taken back.
 */
export const targetStates = [
  'pending',
  'moving',
  'watching',
  'moved',
  'failed',
  'skipped',
  'reverting',
  'reverted',
  'stuck',
] as const;
export type TargetState = (typeof targetStates)[number];

/** Why a release does not go on, and what ends that: an operator's word, or the cause going away. */
export const holdCodes = {
  OPERATOR: 'operator',
  GATE: 'operator',
  TAG_MOVED: 'operator',
  IMAGE_UNUSABLE: 'operator',
  FAILURES: 'operator',
  INCONCLUSIVE: 'operator',
  NO_WAY_BACK: 'operator',
  WINDOW: 'itself',
  REPAIRS: 'itself',
  TAG_REFUSED: 'itself',
  CLOUD_UNWELL: 'itself',
  NO_ROOM: 'itself',
  FLEET_UNWELL: 'itself',
} as const satisfies Record<string, 'operator' | 'itself'>;
export type HoldCode = keyof typeof holdCodes;

export interface Hold {
  code: HoldCode;
  message: string;
  advice: string;
  sinceMs: number;
  clears: 'operator' | 'itself';
}

/**
 * Whose fault a failure is. IMAGE: the image's, it counts. PLACE: of the host; on two hosts it is the image's. CLOUD: a hold.
 * TENANT: later, or skipped. BASELINE: was in ERROR before. INTERFERENCE: somebody else changed tag or image. CONTROL: Kiln's own.
 */
export const failureClasses = ['IMAGE', 'PLACE', 'CLOUD', 'TENANT', 'BASELINE', 'INTERFERENCE', 'CONTROL'] as const;
export type FailureClass = (typeof failureClasses)[number];

export type Verdict = 'pass' | 'fail' | 'no data';

/** What the operator wants; the newest word counts. */
export interface Intent {
  want: 'run' | 'pause' | 'abort' | 'rollback';
  by: string;
  atMs: number;
  reason: string;
  /** Raised by every word, also by the same one again: "run" said to a hold accepts it. */
  revision: number;
}

/** When moves may start: from each time that the cron expression names in that time zone, for so long. */
export interface MaintenanceWindow {
  /** Minute, hour, day of the month, month, day of the week; as in crontab(5). */
  cron: string;
  /** As in the IANA's database: Europe/Berlin. */
  zone: string;
  durationMinutes: number;
}

export interface ReleasePolicy {
  /** How many load balancers move first, one at a time. */
  canary: number;
  /** How far the release is after each wave, in percent of its load balancers; the last one is 100. */
  wavePercents: readonly number[];
  maxParallel: number;
  /** A wave is measured for so long before its first move. */
  beforeSeconds: number;
  /** After a move: nothing is measured for so long. */
  settleSeconds: number;
  /** Then it is measured for so long, and judged. */
  watchSeconds: number;
  canaryBakeSeconds: number;
  waveBakeSeconds: number;
  /** More failures than this stop the canary. */
  canaryMaxFailures: number;
  /** More failures than this stop the waves. Null: 1 % of the load balancers, at least 2, at most 10. */
  maxFailures: number | null;
  onCanaryFailure: 'rollback' | 'pause';
  onFailure: 'rollback' | 'pause';
  /** Percent of the fleet that may be silent or in ERROR. */
  maxUnwellPercent: number;
  /** Tries for each load balancer. */
  tries: number;
  /** How long a probe may take. */
  probeSeconds: number;
  /** How long the amphorae of a pair may have different images. */
  mixedSeconds: number;
  /** None: at any time. */
  windows: readonly MaintenanceWindow[];
  /** After these waves (0: the canary) an operator has to say that it goes on. */
  gatesAfterWaves: readonly number[];
  /** Releases a hash that was rejected before. */
  isAgain: boolean;
}

/** What an operator may choose of a policy; what is left out is as by default. */
export type PolicyChoice = Partial<Omit<ReleasePolicy, 'isAgain'>>;

export const defaultReleasePolicy: ReleasePolicy = {
  canary: 3,
  wavePercents: [1, 5, 25, 100],
  maxParallel: 5,
  beforeSeconds: 300,
  settleSeconds: 30,
  watchSeconds: 90,
  canaryBakeSeconds: 600,
  waveBakeSeconds: 300,
  canaryMaxFailures: 0,
  maxFailures: null,
  onCanaryFailure: 'rollback',
  onFailure: 'pause',
  maxUnwellPercent: 2,
  tries: 3,
  probeSeconds: 600,
  mixedSeconds: 900,
  windows: [],
  gatesAfterWaves: [],
  isAgain: false,
};

/** The image that is released: by its ID and hash, whatever its name or tag become. */
export interface ReleaseImage {
  id: string;
  name: string;
  /** Null: Glance had none. */
  hashAlgo: string | null;
  hash: string | null;
  ownerId: string;
}

/** A kind of place where new amphorae will be: proved before any traffic. Null: the one that the options name. */
export interface ProbePlace {
  flavorId: string | null;
  zone: string | null;
}

/** What does not change while a release runs. */
export interface ReleaseSpec {
  id: string;
  tag: string;
  image: ReleaseImage;
  /** Images that carried the tag when it was planned: where a way back puts it. */
  baseline: { taggedImageIds: readonly string[] };
  policy: ReleasePolicy;
  probes: readonly ProbePlace[];
  /** How many load balancers it was planned for. */
  targets: number;
  /** Number of the last wave that was planned; 0 is the canary. Those that are found late make one more. */
  lastWave: number;
  /** Other images of the same content that load balancers ran when it was planned: those are not moved. */
  sameImageIds: readonly string[];
  /** How long one move takes in this cloud: whether it fits into a window. */
  expectedMoveSeconds: number;
  planDigest: string;
}

/** How far a release is: what the planner remembers from one decision to the next. Only the planner changes it. */
export interface ReleaseProgress {
  phase: ReleasePhase;
  /** The newest word of the operator that was taken into account. */
  intentRevision: number;
  /** The wave that moves or bakes; 0 is the canary. */
  wave: number;
  /** Since when minute samples of the wave that moves next, and of its control group, are kept; null: not yet. */
  sampledSinceMs: number | null;
  /** Since when all of this wave are judged; null: they are not. */
  bakedSinceMs: number | null;
  /** Load balancers that failed; of the canary alone until it is over. */
  failures: number;
  /** Trouble of the cloud that nothing good followed yet. */
  cloud: { faults: number; loadBalancerIds: readonly string[]; untilMs: number; isNoRoom: boolean };
  /** While many were unwell: when it is looked at again, and how often it was. */
  unwell: { looks: number; untilMs: number };
  /** What an operator has said "go on" to, so that the same does not stop it again. */
  accepted: {
    /** `failures` as they were. */
    failures: number;
    taggedImageIds: readonly string[] | null;
    /** The wave behind whose gate it goes on. */
    gate: number | null;
    /** The wave that is worse than those that have not moved. */
    worseWave: number | null;
    isInconclusive: boolean;
    isNoWayBack: boolean;
  };
  holds: readonly Hold[];
  /** Since when the tag is on the new image alone; null: it is not yet. */
  taggedSinceMs: number | null;
  /** As it was when a load balancer or a wave was judged last; null: there were never two groups to compare. */
  comparison: ErrorComparison | null;
}

/** Request errors of load balancers that have moved beside those that have not, over the same while. */
export interface ErrorComparison {
  atMs: number;
  /** The wave under way; 0 is the canary. */
  wave: number;
  moved: ErrorCount;
  notMoved: ErrorCount;
  /** How probable it is that those that have moved have so many more by chance; null: too few connections to tell. */
  chance: number | null;
}

export interface ErrorCount {
  seconds: number;
  connections: number;
  /** Of clients, and behind HAProxy where the agents of both groups tell of it. */
  errors: number;
}

/** What was seen of a load balancer's health over a while. Null: nobody reported. */
export interface HealthSample {
  fromMs: number;
  toMs: number;
  /** Of its amphorae that serve. */
  imageIds: readonly string[];
  /** Of the amphora that is worst off. `intervalMs` is what agents were configured with; gaps in which nobody at all was heard are left out. */
  heartbeats: { count: number; intervalMs: number; longestGapMs: number; sequenceRestarts: number } | null;
  /** By the listener's ID, in the newest heartbeat. */
  listeners: Readonly<Record<string, 'OPEN' | 'FULL'>> | null;
  /** By the member's ID; UP also where only one of the last two heartbeats says so, unless it is the exception. */
  members: Readonly<Record<string, 'UP' | 'DOWN' | 'other'>> | null;
  operatingStatus: string;
  /** What its tenant has configured: another one means that the two can't be compared. */
  configuration: string;
  traffic: Traffic | null;
}

/** Counted over a while. */
export interface Traffic {
  seconds: number;
  connections: number;
  requestErrors: number;
  /** Requests that failed behind HAProxy; absent: agents don't tell. */
  failures?: number;
}

/** One load balancer of a release. */
export interface Target {
  releaseId: string;
  loadBalancerId: string;
  wave: number;
  /** Its place in the wave: smaller first. */
  position: number;
  topology: 'SINGLE' | 'ACTIVE_STANDBY';
  /** What it ran when the release was planned: where a way back takes it. */
  fromImageId: string;
  /** Null: not known. */
  fromHash: string | null;
  state: TargetState;
  stateSinceMs: number;
  /** Tries of the move (or of the way back) that is under way; 0: none. */
  attempt: number;
  /** How often in a row it was put off, because of the cloud or of its tenant. */
  waits: number;
  /** Not tried again before. */
  notBeforeMs: number;
  /** The operation that moves it, the last one that did; null: none yet. */
  operationId: string | null;
  /** Until when it is watched; null: it is not. */
  watchUntilMs: number | null;
  /** Since when its pair is on two images; null: it is not. */
  mixedSinceMs: number | null;
  before: HealthSample | null;
  after: HealthSample | null;
  verdict: Verdict | null;
  /** How badly it is off: the worst is taken back first. */
  badness: number;
  failureClass: FailureClass | null;
  reason: string;
}

export interface Release {
  spec: ReleaseSpec;
  progress: ReleaseProgress;
  intent: Intent;
  createdAtMs: number;
  updatedAtMs: number;
  endedAtMs: number | null;
  /** Raised by every controller that takes the release over: who writes with an older one is refused. */
  fence: number;
}

/** Something that was decided, and why. Appended, never changed. */
export interface ReleaseEvent {
  releaseId: string;
  /** Counted from 1 within the release. */
  n: number;
  atMs: number;
  /** The operator, or "kiln". */
  actor: string;
  /** A step's kind, `phase`, `wave`, `hold`, `hold-cleared`, `intent`. */
  kind: string;
  loadBalancerId: string | null;
  reason: string;
  data: Readonly<Record<string, unknown>>;
}
