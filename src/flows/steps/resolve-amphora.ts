import { nameServer } from '../../core/amphora/server-name.ts';
import { stableId } from '../../core/operations/stable-id.ts';
import { KilnError } from '../../model/errors.ts';
import type { ImageChoice } from '../../model/image.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { Step } from '../engine/flow.ts';
import type { LoadBalancerParts } from '../load-balancer/parts.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';

/** Every choice about an amphora, made once and kept in the journal: later steps only carry it out. */
export type AmphoraChoices = {
  amphoraId: string;
  serverName: string;
  imageId: string;
  imageChoice: JsonObject;
  computeFlavorId: string;
  topology: string;
  computeZone: string | null;
  managementNetworkId: string | null;
};

/**
 * Image, flavor, zone, names, once there is a place among the amphorae that may be built at a time. The image is chosen anew
 * for each operation, and not before its turn has come: the tag may have moved.
 */
export const resolveAmphora: Step<LoadBalancerParts, LoadBalancerInput, AmphoraChoices> = {
  name: 'resolve-amphora',
  async do(parts, { loadBalancerId }, run) {
    await parts.builds.acquire(run.operationId, run.priority, run.stop);
    const settings = parts.settings();
    const found = await parts.loadBalancers.get('loadbalancer', loadBalancerId);
    if (!found) throw new KilnError('RESOURCE_NOT_FOUND', `there is no load balancer ${loadBalancerId}`);
    const [capabilities, zone] = await Promise.all([
      parts.flavors.flavorCapabilities(found.flavorId),
      parts.flavors.zoneCapabilities(found.availabilityZone),
    ]);
    const computeFlavorId = capabilities.compute_flavor || settings.flavorId;
    const choice = await chooseImageFor(parts, capabilities.amp_image_tag, computeFlavorId);
    const amphoraId = stableId(run.operationId, 'amphora');
    run.note(`amphora ${amphoraId} will boot image ${choice.imageId} (${choice.rule})`);
    return {
      amphoraId,
      serverName: nameServer(amphoraId, settings.randomNameLength, parts.randomInteger),
      imageId: choice.imageId,
      imageChoice: choice as unknown as JsonObject,
      computeFlavorId,
      topology: found.topology,
      computeZone: zone?.compute_zone ?? null,
      managementNetworkId: zone?.management_network ?? null,
    };
  },
  undo: async (parts, _state, run) => parts.builds.release(run.operationId),
};

/** `amp_image_id`, else the flavor's tag, else the configuration's: see core/amphora/choose-image.ts. */
export async function chooseImageFor(
  parts: Pick<LoadBalancerParts, 'resolver'>,
  flavorTag: string | undefined,
  computeFlavorId: string,
): Promise<ImageChoice> {
  const tag = flavorTag ? ({ value: flavorTag, source: 'flavor' } as const) : null;
  return await parts.resolver.resolve({ tag, flavorId: computeFlavorId });
}
