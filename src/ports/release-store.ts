import type { NewOperation } from '../model/operation.ts';
import type {
  Intent,
  ProbePlace,
  Release,
  ReleaseEvent,
  ReleaseProgress,
  Target,
  TargetState,
} from '../model/release.ts';
import type { FleetMember } from '../model/release-plan.ts';
import type {
  HealthMoment,
  LateLoadBalancer,
  LateQuestion,
  ProbeNow,
  ReleaseNeed,
  ReleaseTallies,
  TargetNow,
} from '../model/release-view.ts';

/** A release with its counts, as it stood at one moment. */
export interface StoredRelease extends Release {
  tallies: ReleaseTallies;
  /** Events so far. */
  eventCount: number;
  /** Images that its load balancers ran when it was planned: a way back needs them. */
  formerImageIds: readonly string[];
}

export type NewReleaseEvent = Omit<ReleaseEvent, 'releaseId' | 'n'>;

/** What the database knows of a release and of the cloud, as far as a decision depends on it. */
export interface ReleaseView {
  release: StoredRelease;
  busy: readonly TargetNow[];
  next: readonly TargetNow[];
  nextDueMs: number | null;
  unendedOperations: number;
  repairs: { running: number; queued: number };
  workers: { processes: number; busy: number };
  /** Load balancers of the whole fleet that are in ERROR or silent. */
  unwell: number;
  probes: readonly ProbeNow[];
  /** A hundred at most; null: it was not asked for. */
  late: readonly LateLoadBalancer[] | null;
}

/** Limits and times of a look. */
export interface ReleaseLook {
  now: Date;
  /** Of targets that could go on. */
  nextLimit: number;
  busyLimit: number;
  /** Amphorae last heard of before are silent. ISO 8601. */
  silentBefore: string;
  /** Processes that have not beaten since are gone. ISO 8601. */
  beatAfter: string;
  late: LateQuestion | null;
  /** Tag of the flavors that have none. */
  defaultTag: string;
}

/** One target as it was and as it is to be, with the operation that does it. */
export interface TargetChange {
  before: Target;
  after: Target;
  /** Its load balancer becomes PENDING_UPDATE with it, from one of these; where it is in none, the change is left out. */
  operation: (NewOperation & { mutableFrom: readonly ('ACTIVE' | 'ERROR')[] }) | null;
  event: NewReleaseEvent;
}

/** What was decided, to be written as a whole. */
export interface ReleaseChange {
  progress: ReleaseProgress;
  endedAtMs: number | null;
  targets: readonly TargetChange[];
  /** Load balancers that it was not planned for. */
  joined: readonly Target[];
  probes: readonly { place: ProbePlace; attempt: number; imageFaults: number; operation: NewOperation }[];
  events: readonly NewReleaseEvent[];
  rejected: { hashAlgo: string; hash: string } | null;
  /** The release's tallies, when these of the targets were changed. */
  talliesAfter(changed: readonly TargetChange[]): ReleaseTallies;
}

/** Load balancers of a release by what is to come of them. */
export interface SampleGroups {
  /** Pending, the next ones first. */
  coming: readonly string[];
  /** Moved, the latest waves first. */
  moved: readonly Target[];
  /** Pending, the last ones first. */
  control: readonly string[];
}

/** Releases, their targets, and what was decided. What is written about a release is refused once its fence is another. */
export interface ReleaseStore {
  /** @throws RESOURCE_CONFLICT when a release of this tag has not ended. */
  create(release: Release, targets: readonly Target[], tallies: ReleaseTallies, event: NewReleaseEvent): Promise<void>;
  get(releaseId: string): Promise<StoredRelease | null>;
  /** Newest first. @param after those that are older than this one. */
  list(limit: number, after?: Pick<Release, 'createdAtMs'> & { spec: { id: string } }): Promise<StoredRelease[]>;
  /** That have not ended. */
  active(): Promise<StoredRelease[]>;
  /** By wave and position. */
  targets(
    releaseId: string,
    query: { states?: readonly TargetState[]; limit: number; after?: { wave: number; position: number } },
  ): Promise<Target[]>;
  /** @param after events with a larger number. */
  events(releaseId: string, after: number, limit: number): Promise<ReleaseEvent[]>;
  /** The same with whether the release has ended, in one statement; null: there is no such release. */
  tail(releaseId: string, after: number, limit: number): Promise<{ events: ReleaseEvent[]; hasEnded: boolean } | null>;
  /** Former image → how many load balancers a way back would take to it. */
  waysBack(releaseId: string): Promise<ReadonlyMap<string, number>>;
  /**
   * A word of the operator. The same word again changes nothing, unless the release waits for one.
   * @throws FENCED when the release has changed since.
   */
  instruct(release: StoredRelease, intent: Omit<Intent, 'revision'>): Promise<StoredRelease>;
  /** Null: there is no such release. Its cost does not grow with the number of load balancers. */
  look(releaseId: string, look: ReleaseLook): Promise<ReleaseView | null>;
  /**
   * Writes all of it or nothing.
   * @returns the operations that were put in the queue. @throws FENCED when the release has changed since.
   */
  commit(release: StoredRelease, change: ReleaseChange, nowMs: number): Promise<NewOperation[]>;
  /** Its operations that have not ended, probes as well. */
  countUnended(releaseId: string): Promise<number>;
  /** The load balancers whose tag is this one. @param defaultTag of those whose flavor names none. */
  members(tag: string, defaultTag: string): Promise<FleetMember[]>;
  /** How long failovers took of late; null: there were none. */
  usualMoveSeconds(): Promise<number | null>;
  /** Of the whole fleet. */
  countLoadBalancers(): Promise<number>;
  /**
   * Images that releases need: of each tag, those of the release that has not ended, and the former ones of the last that ended and
   * had moved load balancers.
   */
  neededImages(): Promise<ReleaseNeed[]>;
  /** The release that rejected an image with this content; null: none. */
  rejectedBy(hashAlgo: string, hash: string): Promise<string | null>;
  /** How these load balancers are now. */
  healthNow(loadBalancerIds: readonly string[], nowMs: number): Promise<HealthMoment[]>;
  /** May be done again. What was seen before `forgetBeforeMs` goes. */
  keepSamples(releaseId: string, moments: readonly HealthMoment[], forgetBeforeMs: number): Promise<void>;
  /** Whom to look at from time to time, at most so many of each; their cost does not grow with the number of load balancers. */
  sampleGroups(releaseId: string, limits: { coming: number; moved: number; control: number }): Promise<SampleGroups>;
  /** Of one load balancer each, earliest first; those without any are left out. */
  samples(releaseId: string, loadBalancerIds: readonly string[]): Promise<ReadonlyMap<string, readonly HealthMoment[]>>;
}
