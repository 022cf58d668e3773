import { mapAtMost } from '../lib/map-at-most.ts';
import type { NetworkService } from '../ports/network.ts';
import type { NetworkReferenceChecker } from '../ports/network-references.ts';
import { createReferenceLookup } from './reference-lookup.ts';

/** Requests to Neutron at the same time, for one request of a user: a batch may name hundreds of subnets. */
const AT_ONCE = 8;

/** @param seenBy Neutron as a user sees it. */
export function createReferenceChecker(seenBy: (userToken?: string) => NetworkService): NetworkReferenceChecker {
  return {
    async check({ subnetIds = [], securityGroupIds = [], qosPolicyIds = [] }, userToken) {
      const lookup = createReferenceLookup(seenBy(userToken));
      const all = [
        ...[...new Set(qosPolicyIds)].map((id) => () => lookup.qosPolicy(id)),
        ...[...new Set(securityGroupIds)].map((id) => () => lookup.securityGroup(id)),
        ...[...new Set(subnetIds)].map((id) => () => lookup.subnet(id)),
      ];
      // It throws the first in the order of the request: a client that repeats it hears the same.
      await mapAtMost<() => Promise<unknown>, unknown>(AT_ONCE, all, (look) => look());
    },
  };
}

/** Neutron as a user sees it; where there is no such thing, as Kiln does. */
export function networkSeenBy(options: {
  network: NetworkService;
  networkAs?: (userToken: string) => NetworkService;
}): (userToken?: string) => NetworkService {
  const { network, networkAs } = options;
  return (userToken) => (userToken === undefined || !networkAs ? network : networkAs(userToken));
}
