import type { HealthSample, ProbePlace, Target, TargetState } from './release.ts';

/** What the database knows of a release, as a decision needs it. */

/** An amphora that serves a load balancer. */
export interface AmphoraNow {
  id: string;
  role: 'STANDALONE' | 'MASTER' | 'BACKUP';
  imageId: string;
  /** ALLOCATED and heard of. */
  isServing: boolean;
}

/** A target with what is true of its load balancer now. */
export interface TargetNow {
  target: Target;
  /** Null: it is gone. */
  loadBalancer: { provisioningStatus: string; amphorae: readonly AmphoraNow[] } | null;
  /** The target's operation; null: it has none. */
  operation: { status: 'unended' | 'done' | 'undone'; error: { code: string; message: string } | null } | null;
  /** Before a move: of the last five minutes. While it is watched: since it settled. Null: nothing was sampled. */
  sample: HealthSample | null;
}

/** Which load balancers a release has not heard of: those of its tag that were made in a certain while, by what they run. */
export interface LateQuestion {
  tag: string;
  /** Those that run one of these images, or that run another than these. */
  runs: { one: readonly string[] } | { otherThan: readonly string[] };
  createdAfterMs: number;
  createdBeforeMs: number;
}

/** A load balancer that was made too late for the plan. */
export interface LateLoadBalancer {
  loadBalancerId: string;
  topology: Target['topology'];
  /** What it runs: of those that were asked for. */
  imageId: string;
}

/** A probe that was started. */
export interface ProbeNow {
  place: ProbePlace;
  attempt: number;
  /** How many of its tries before this one failed by the image: as the step said. */
  imageFaults: number;
  startedAtMs: number;
  state: 'running' | 'passed' | 'failed';
  /** When it passed or failed. */
  endedAtMs: number | null;
  error: { code: string; message: string } | null;
}

/** How a wave went. `open` are pending, moving or watching; the others are counted by their verdict. */
export interface WaveTally {
  open: number;
  pass: number;
  fail: number;
  noData: number;
}

/** Kept with the release, so that nobody has to count its targets. */
export interface ReleaseTallies {
  counts: Readonly<Record<TargetState, number>>;
  /** By the number of the wave. */
  waves: Readonly<Record<number, WaveTally>>;
}

/** What was seen of a load balancer's health at one moment; a while is made of several. */
export interface HealthMoment {
  loadBalancerId: string;
  atMs: number;
  /** That serve. */
  amphorae: readonly AmphoraMoment[];
  /** Operating statuses by ID, of listeners that are enabled. */
  listeners: Readonly<Record<string, string>>;
  members: Readonly<Record<string, string>>;
  operatingStatus: string;
  /** Another one once its tenant has changed something. */
  configuration: string;
  /** Counted ever since, by the listener's ID. */
  counters: Readonly<Record<string, ListenerCount>>;
}

export interface AmphoraMoment {
  id: string;
  imageId: string | null;
  /** Null: never. */
  lastHeardMs: number | null;
  /** Heartbeats that were recorded so far. */
  beats: number;
  /** How often its agent began to count anew so far. */
  restarts: number;
}

export interface ListenerCount {
  connections: number;
  requestErrors: number;
  /** Of the pools behind it; absent: its agents don't tell. */
  failures?: number;
}

/** What a release needs of images: those it brings, and those that its way back takes load balancers to. */
export interface ReleaseNeed {
  releaseId: string;
  /** Whoever wants to go back starts another release, of a former image. */
  hasEnded: boolean;
  imageIds: readonly string[];
}
