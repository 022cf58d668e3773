import type { Fleet } from '../model/fleet.ts';
import type { OctaviaPlanView } from '../model/octavia-release.ts';
import type { ReleasePolicy } from '../model/release.ts';

export interface OctaviaPlanRequest {
  /** Null: the newest image that carries the tag. */
  imageId: string | null;
  /** That of octavia.conf, or of a flavor. */
  tag: string;
  policy: Partial<ReleasePolicy>;
}

/** Releases over an Octavia that runs already: nothing of Kiln runs, and nothing but clouds.yaml is configured. */
export interface OctaviaReleases {
  /** @param tag what `amp_image_tag` of octavia.conf says. */
  fleet(tag: string, signal?: AbortSignal): Promise<Fleet>;
  /** Changes nothing. */
  plan(request: OctaviaPlanRequest): Promise<OctaviaPlanView>;
}
