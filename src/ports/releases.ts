import type { Intent, PolicyChoice, ReleaseEvent, Target } from '../model/release.ts';
import type { ReleasePlan } from '../model/release-plan.ts';
import type { ReleaseStore, StoredRelease } from './release-store.ts';

/** Releases as operators see and steer them: through the API, and on the command line. */

export interface PlanRequest {
  /** Null: what the tag gives now. */
  imageId: string | null;
  /** Null: the tag of the configuration. */
  tag: string | null;
  /** Also an image whose content was rejected before. */
  isAgain: boolean;
  policy: PolicyChoice;
}

export type ReleasePlanner = (request: PlanRequest) => Promise<ReleasePlan>;

/** The events of releases as they come, for any number of followers. */
export interface ReleaseFeed {
  /**
   * The events behind `after`, a few at a time; an empty list when there were none for a while. Ends with the release, and with
   * the signal.
   * @throws RESOURCE_NOT_FOUND. TOO_MANY_STREAMS: too many follow already.
   */
  follow(releaseId: string, after: number, signal: AbortSignal): AsyncGenerator<readonly ReleaseEvent[], void, void>;
}

/** What an operator says, and who it is. */
export interface Instruction extends Pick<Intent, 'want' | 'reason' | 'by'> {
  /** Of the intent that the operator has seen. */
  revision: number;
}

/** What a way back would do, as far as it is known before. */
export interface WayBack {
  /** How many would be taken back. */
  loadBalancers: number;
  /** Where to; `problem`: why it can't be booted, or null. */
  images: readonly { imageId: string; loadBalancers: number; problem: string | null }[];
  /** Images that would carry the tag again. */
  taggedImageIds: readonly string[];
}

export interface Releases {
  plan: ReleasePlanner;
  /** @throws RESOURCE_CONFLICT: the world has moved since the plan, or a release of this tag has not ended. */
  start(request: PlanRequest & { planDigest: string }, who: { by: string; reason: string }): Promise<StoredRelease>;
  /** Newest first. @param marker the last one of the page before. */
  list(limit: number, marker: string | null): Promise<StoredRelease[]>;
  /** @throws RESOURCE_NOT_FOUND, as all that follow. */
  get(releaseId: string): Promise<StoredRelease>;
  /** Who started it, and why. */
  startOf(releaseId: string): Promise<Pick<ReleaseEvent, 'actor' | 'reason'> | null>;
  targets(releaseId: string, query: Parameters<ReleaseStore['targets']>[1]): Promise<Target[]>;
  events(releaseId: string, after: number, limit: number): Promise<readonly ReleaseEvent[]>;
  follow: ReleaseFeed['follow'];
  wayBack(releaseId: string): Promise<WayBack>;
  /** The same instruction given twice counts once. @throws RESOURCE_CONFLICT: the release has ended, or somebody else has spoken since. */
  instruct(releaseId: string, instruction: Instruction): Promise<StoredRelease>;
}
