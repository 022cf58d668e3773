import type { KilnError } from '../model/errors.ts';
import type { Image, ImageChoice, NearMiss, TagSource } from '../model/image.ts';

export interface ImageRequest {
  /** Null: `amp_image_id`, else the tag of the configuration, as for any new amphora. */
  tag: { value: string; source: TagSource } | null;
  /** ID of the Nova flavor that the image has to fit; null leaves the fit unchecked. */
  flavorId: string | null;
  signal?: AbortSignal;
}

export interface ImageResolution {
  choice: ImageChoice;
  /** Images that carry the tag and were refused. */
  refused: readonly NearMiss[];
}

/** How the newest resolution of a tag ended. Several candidates are seen here, not only in the log. */
export interface ImageStatus {
  tag: string;
  at: string;
  choice: ImageChoice | null;
  error: ReturnType<KilnError['toJSON']> | null;
}

/** Which image does a new amphora boot? Asks Glance anew for every call; waiting callers share one answer. */
export interface ImageResolver {
  /**
   * @returns the choice; throws IMAGE_NOT_CONFIGURED, IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, IMAGE_DOES_NOT_FIT, or a
   * ServiceError when Glance can't say.
   */
  resolve(request: ImageRequest): Promise<ImageChoice>;
  /**
   * The image with this ID, which a load balancer is assigned: as long as it is there, active, of a trusted project and fits the
   * flavor. Else why not.
   */
  resolveAssigned(
    imageId: string,
    request: Pick<ImageRequest, 'flavorId' | 'signal'>,
  ): Promise<{ choice: ImageChoice } | { refused: string }>;
  /** As `resolve`, and says as well which images carry the tag and were refused. Two requests more. */
  explain(request: ImageRequest): Promise<ImageResolution>;
  /** What a release could bring to the fleet: active, not hidden, of the project whose images are trusted, or of any. Newest first. @param tag only those that carry it. */
  releasable(tag?: string, signal?: AbortSignal): Promise<readonly Image[]>;
  /** The project whose images count: that of `amp_image_owner_id`, else Kiln's own. Null: any project's. */
  trustedOwner(): Promise<string | null>;
  /** The newest outcome for each tag, as this process saw it. Asks nobody. */
  status(): ImageStatus[];
}
