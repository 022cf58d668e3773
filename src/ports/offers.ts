import type { FlavorCapabilities, ZoneCapabilities } from '../model/flavor.ts';

/** Whether the cloud has what flavor and availability zone profiles name. */
export interface OfferChecker {
  /**
   * REQUEST_INVALID, with the field in `details.field`, for a Nova flavor, a tag without an image that can be booted, a zone
   * or a network that is not there; a ServiceError when the cloud can't say.
   */
  check(capabilities: Partial<FlavorCapabilities & ZoneCapabilities>): Promise<void>;
}
