import type { Fleet } from '../model/fleet.ts';
import type { OctaviaPlanView, OctaviaRecord, OctaviaReleaseState } from '../model/octavia-release.ts';
import type { Intent, ReleasePolicy } from '../model/release.ts';

export interface OctaviaPlanRequest {
  /** Null: the newest image that carries the tag. */
  imageId: string | null;
  /** That of octavia.conf, or of a flavor. */
  tag: string;
  policy: Partial<ReleasePolicy>;
}

export interface OctaviaStartRequest extends OctaviaPlanRequest {
  /** Of the plan that was looked at; null: whatever is planned now. */
  planDigest: string | null;
  /** Where the probe's load balancers have their addresses; null: no probe. */
  probeSubnetId: string | null;
}

type Instruction = Pick<Intent, 'want' | 'reason'>;

/** What is heard of while a release runs. */
export interface OctaviaReleaseReport {
  /** Lines that were written to the file since the last call. */
  records(records: readonly OctaviaRecord[], state: OctaviaReleaseState): void;
  /** A service does not answer; it is asked again. */
  trouble(message: string, nextMs: number): void;
}

/** A release that is known here by its state file; or by its mark in Glance alone: it is carried out from another place. */
export type OctaviaReleaseListing = { releaseId: string } & (
  | { stateFile: string; state: OctaviaReleaseState; imageIds: readonly [] }
  | { stateFile: null; state: null; imageIds: readonly string[] }
);

/** Where the state is, and how often Octavia is asked. */
export interface OctaviaRunOptions {
  stateFile: string;
  pollSeconds: number;
  report: OctaviaReleaseReport;
  signal: AbortSignal;
}

/** Releases over an Octavia that runs already: nothing of Kiln runs, and nothing but clouds.yaml is configured. */
export interface OctaviaReleases {
  /** @param tag what `amp_image_tag` of octavia.conf says. */
  fleet(tag: string, signal?: AbortSignal): Promise<Fleet>;
  /** Changes nothing. */
  plan(request: OctaviaPlanRequest): Promise<OctaviaPlanView>;
  /**
   * Carries a release out in this process, until it has ended or waits for an operator.
   * @throws RESOURCE_CONFLICT: a check says stop, the world has moved since the plan, or the state file has a release.
   */
  start(request: OctaviaStartRequest, reason: string, options: OctaviaRunOptions): Promise<OctaviaReleaseState>;
  /**
   * Tells a release what an operator wants. Carries it out in this process unless another one is at it.
   * @throws RESOURCE_CONFLICT: it has ended.
   */
  instruct(
    instruction: Instruction,
    options: OctaviaRunOptions,
  ): Promise<{ state: OctaviaReleaseState; isElsewhere: boolean }>;
  /** What the state file says. */
  read(stateFile: string): Promise<{ state: OctaviaReleaseState; records: readonly OctaviaRecord[] }>;
  /** Those whose state files are in a folder, newest first; then those that mark an image which carries the tag. */
  list(folder: string, tag: string): Promise<OctaviaReleaseListing[]>;
}
