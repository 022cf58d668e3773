import { translated, validationFailure } from '../core/lbaas/api-errors.ts';
import { checkFlavor, checkZone, invalidFlavor, type ResolvedProfiles } from '../core/lbaas/load-balancer.ts';
import type { LoadBalancerSpec } from '../core/lbaas/spec.ts';
import { KilnError, ServiceError } from '../model/errors.ts';
import type { FlavorStore } from '../ports/flavor-store.ts';
import type { ProfileChecker } from './profile-checker.ts';

type Named = Pick<LoadBalancerSpec, 'flavorId' | 'availabilityZone'>;

/** What a flavor and a zone that a request names stand for, and whether the cloud has it. */
export function profileLookup({ flavors, profileChecker }: { flavors: FlavorStore; profileChecker: ProfileChecker }) {
  async function resolve({ flavorId, availabilityZone }: Named): Promise<ResolvedProfiles> {
    let flavor: ResolvedProfiles['flavor'] = null;
    if (flavorId) {
      const { flavorProfileId } = checkFlavor(flavorId, await flavors.get('flavor', flavorId));
      const profile = await flavors.get('flavorProfile', flavorProfileId);
      if (!profile) throw invalidFlavor();
      flavor = { profile, capabilities: await stillThere(flavors.flavorCapabilities(flavorId)) };
    }
    if (!availabilityZone) return { flavor, zone: null };
    checkZone(availabilityZone, await flavors.get('availabilityZone', availabilityZone));
    return { flavor, zone: await stillThere(flavors.zoneCapabilities(availabilityZone)) };
  }

  /** Refuses to build what can't be built. A cloud that can't say is asked again by the flow. */
  async function assertServed(
    { flavorId, availabilityZone }: Named,
    { flavor, zone }: ResolvedProfiles,
  ): Promise<void> {
    if (!flavor && !zone) return;
    try {
      await profileChecker.check({ ...flavor?.capabilities, ...zone });
    } catch (error) {
      if (error instanceof ServiceError) return;
      if (!(error instanceof KilnError) || error.code !== 'REQUEST_INVALID') throw error;
      // What the profile names is for administrators to read.
      const { field } = error.details;
      const named =
        field === 'compute_flavor' || field === 'amp_image_tag'
          ? `flavor_id ${flavorId}`
          : `availability_zone ${availabilityZone}`;
      throw validationFailure(
        `${named} can not be served: its ${field} names what is not there. Choose another one, or ask an administrator to correct its profile.`,
      );
    }
  }

  return { resolve, assertServed };
}

/** What went between two looks at it: the request is to be decided anew, without it. */
const stillThere = <T>(look: Promise<T>): Promise<T> =>
  translated(look, {
    RESOURCE_NOT_FOUND: () => new KilnError('CHANGE_OUTDATED', 'the flavor or the zone is gone since it was found'),
  });
