import { mapAtMost } from '../lib/map-at-most.ts';
import { KilnError } from '../model/errors.ts';
import type { FlavorCapabilities, ZoneCapabilities } from '../model/flavor.ts';
import type { ComputeService } from '../ports/compute.ts';
import type { ImageResolver } from '../ports/image-resolver.ts';
import type { NetworkService } from '../ports/network.ts';
import { isMissing } from './reference-lookup.ts';

/** Requests to Neutron at the same time, for one profile. */
const AT_ONCE = 8;

/** Whether the cloud has what flavor and availability zone profiles name. */
export interface ProfileChecker {
  /**
   * REQUEST_INVALID, with the field in `details.field`, for a Nova flavor, a tag without an image that can be booted, a zone
   * or a network that is not there; a ServiceError when the cloud can't say.
   */
  check(capabilities: Partial<FlavorCapabilities & ZoneCapabilities>): Promise<void>;
}

/** As Octavia's amphora driver checks profiles (octavia/api/drivers/amphora_driver/v2/driver.py), with Kiln's own rights. */
export function createProfileChecker(deps: {
  compute: Pick<ComputeService, 'getFlavor' | 'hasAvailabilityZone'>;
  network: Pick<NetworkService, 'getNetwork'>;
  images: Pick<ImageResolver, 'resolve'>;
  /** Nova's flavor for a profile that names none. */
  defaultFlavorId: () => string | null;
}): ProfileChecker {
  const { compute, network, images } = deps;

  async function checkComputeFlavor(flavorId: string): Promise<void> {
    await compute.getFlavor(flavorId).catch(missing('compute_flavor', `Nova flavor ${flavorId} not found.`));
  }

  async function checkZone(name: string): Promise<void> {
    if (await compute.hasAvailabilityZone(name)) return;
    throw refusal('compute_zone', `Nova availability zone ${name} not found.`);
  }

  async function checkNetworks(field: string, ids: readonly string[]): Promise<void> {
    await mapAtMost(AT_ONCE, new Set(ids), (id) =>
      network.getNetwork(id).catch(missing(field, `Network ${id} not found.`)),
    );
  }

  async function checkImage(tag: string, flavorId: string | null): Promise<void> {
    const request = { tag: { value: tag, source: 'flavor' }, flavorId } as const;
    await images.resolve(request).catch((error: unknown) => {
      if (!(error instanceof KilnError) || !error.code.startsWith('IMAGE_')) throw error;
      const why = `Failed to find an image with tag ${tag} due to: ${error.message}`;
      throw refusal('amp_image_tag', why, error);
    });
  }

  return {
    async check(wanted) {
      const { compute_flavor: flavorId, amp_image_tag: tag, compute_zone: zone, management_network } = wanted;
      // The image has to fit the flavor: a flavor that isn't there is reported first.
      if (flavorId) await checkComputeFlavor(flavorId);
      await Promise.all([
        tag ? checkImage(tag, flavorId || deps.defaultFlavorId()) : null,
        zone ? checkZone(zone) : null,
        management_network ? checkNetworks('management_network', [management_network]) : null,
        checkNetworks('valid_vip_networks', wanted.valid_vip_networks ?? []),
      ]);
    },
  };
}

const refusal = (field: string, message: string, cause?: unknown) =>
  new KilnError('REQUEST_INVALID', message, { details: { field }, cause });

/** What is not there, or not to be seen, and IDs that no path can hold. */
function missing(field: string, message: string) {
  return (error: unknown): never => {
    throw isMissing(error) ? refusal(field, message, error) : error;
  };
}
