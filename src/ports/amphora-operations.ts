import type { Amphora, BootEvent } from '../model/amphora.ts';

export interface BootRequest {
  /** Boot this image instead of choosing one by tag. */
  imageId: string | null;
  /** Octavia's flavor capabilities, where the caller has them. */
  capabilities?: { amp_image_tag?: string; compute_flavor?: string };
}

/** What one can do with amphorae. Served in this process by the flows, or by a running `kiln serve` over its socket. */
export interface AmphoraOperations {
  /**
   * Boots one amphora and waits until its agent answers. On failure the server is deleted again, the amphora stays on
   * record as ERROR with the reason, and the error is thrown.
   */
  boot(request: BootRequest, onEvent: (event: BootEvent) => void, signal?: AbortSignal): Promise<Amphora>;
  list(options: { includeDeleted: boolean }): Promise<Amphora[]>;
  /** AMPHORA_NOT_FOUND when there is none. */
  get(amphoraId: string): Promise<Amphora>;
  /** Deletes every server of the amphora and marks it DELETED. Idempotent. AMPHORA_NOT_FOUND when never known. */
  delete(amphoraId: string): Promise<Amphora>;
}
