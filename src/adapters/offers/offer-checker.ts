import { mapAtMost } from '../../lib/map-at-most.ts';
import { KilnError } from '../../model/errors.ts';
import type { ComputeService } from '../../ports/compute.ts';
import type { ImageResolver } from '../../ports/image-resolver.ts';
import type { NetworkService } from '../../ports/network.ts';
import type { OfferChecker } from '../../ports/offers.ts';

/** Requests to Neutron at the same time, for one profile. */
const AT_ONCE = 8;

/** As Octavia's amphora driver checks profiles (octavia/api/drivers/amphora_driver/v2/driver.py), with Kiln's own rights. */
export function createOfferChecker(parts: {
  compute: Pick<ComputeService, 'getFlavor' | 'hasAvailabilityZone'>;
  network: Pick<NetworkService, 'getNetwork'>;
  images: Pick<ImageResolver, 'resolve'>;
  /** Nova's flavor for a profile that names none. */
  defaultFlavorId: () => string | null;
}): OfferChecker {
  const { compute, network, images } = parts;

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
        tag ? checkImage(tag, flavorId || parts.defaultFlavorId()) : null,
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
    const codes: readonly string[] = ['SERVICE_NOT_FOUND', 'SERVICE_FORBIDDEN', 'USAGE'];
    throw error instanceof KilnError && codes.includes(error.code) ? refusal(field, message, error) : error;
  };
}
