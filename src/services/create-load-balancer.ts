import { planCreation } from '../core/lbaas/changes.ts';
import { makeFullyPopulated } from '../core/lbaas/fully-populated.ts';
import {
  allowedVipNetworks,
  checkLoadBalancerSpec,
  checkProfilesAreServed,
  makeLoadBalancer,
} from '../core/lbaas/load-balancer.ts';
import { countKinds } from '../core/lbaas/quota.ts';
import type { ApiSettings } from '../core/lbaas/settings.ts';
import type { LoadBalancerSpec } from '../core/lbaas/spec.ts';
import { ServiceError } from '../model/errors.ts';
import type { LoadBalancerTree } from '../model/load-balancer.ts';
import type { FlavorStore } from '../ports/flavor-store.ts';
import type { VipAllocator } from '../ports/vip-allocator.ts';
import type { VipReservations } from '../ports/vip-reservations.ts';
import type { LoadBalancerChanges } from './load-balancer-changes.ts';
import type { ProfileChecker } from './profile-checker.ts';
import { profileLookup } from './profile-lookup.ts';
import { referencesOfListener, referencesOfPool } from './secret-references.ts';

interface Deps {
  changes: LoadBalancerChanges;
  flavors: FlavorStore;
  profileChecker: ProfileChecker;
  vips: VipAllocator;
  reservations: VipReservations;
  settings: () => ApiSettings;
}

/** For whom, and with whose rights references are looked up. */
interface Requester {
  projectId: string;
  /** Undefined where everybody sees the same. */
  userToken: string | undefined;
}

/**
 * Makes a load balancer, with all that its body holds: the VIP is taken from Neutron, then rows and operation are written in
 * one transaction. What fails on the way gives the VIP back; so does the job `release-abandoned-vips` when this process dies.
 * @returns its use: rows as they were written, PENDING_CREATE.
 * @throws KilnError in Octavia's words; nothing is written then.
 */
export function createLoadBalancer(deps: Deps): (spec: LoadBalancerSpec, by: Requester) => Promise<LoadBalancerTree> {
  const { changes, vips, reservations } = deps;
  const profiles = profileLookup(deps);

  /** Never throws: the caller has something to say already, and what stays reserved is found again. */
  async function abandon(loadBalancerId: string, why: unknown): Promise<void> {
    try {
      if (!(await reservations.giveUp(loadBalancerId))) return;
      await vips.release(loadBalancerId);
      // Neutron may yet make a port that it was asked for.
      await reservations.forget(loadBalancerId, { mayTurnUp: why instanceof ServiceError && why.call.outcomeUnknown });
    } catch {
      // The job release-abandoned-vips tries until it is done.
    }
  }

  return async (spec, { projectId, userToken }) => {
    checkLoadBalancerSpec(spec, deps.settings());
    const resolved = await profiles.resolve(spec);
    checkProfilesAreServed(spec, resolved, deps.settings());
    await profiles.assertServed(spec, resolved);
    // Of the VIP, what is allocated below looks it up.
    await changes.checkNetworkReferences({ listeners: spec.listeners, pools: spec.pools }, userToken);
    const quota = await changes.quotaOf(projectId);
    await quota.require({ loadbalancer: 1 });

    const context = changes.context();
    const id = context.newId();
    await reservations.reserve(id);
    try {
      const allocated = await vips.allocate({
        loadBalancerId: id,
        projectId,
        name: spec.name ?? '',
        address: spec.vipAddress ?? null,
        portId: spec.vipPortId ?? null,
        subnetId: spec.vipSubnetId ?? null,
        networkId: spec.vipNetworkId ?? null,
        qosPolicyId: spec.vipQosPolicyId ?? null,
        securityGroupIds: spec.vipSgIds ?? [],
        allowedNetworkIds: allowedVipNetworks(resolved, deps.settings()),
        deniedNetworkIds: deps.settings().deniedVipNetworks,
        additional: (spec.additionalVips ?? []).map((vip) => ({
          subnetId: vip.subnetId,
          address: vip.ipAddress ?? null,
          portId: vip.portId ?? null,
        })),
        userToken,
      });
      const loadBalancer = makeLoadBalancer(context, spec, projectId, resolved, { id, ...allocated });
      const tree = makeFullyPopulated(context, spec, loadBalancer);
      const planned = planCreation(context, tree);
      const counted = await quota.require(countKinds(planned.rows));
      await changes.checkSecrets(
        [...tree.listeners.map(referencesOfListener), ...tree.pools.map(referencesOfPool)],
        projectId,
      );
      await changes.apply(planned, { quota: counted });
      return tree;
    } catch (error) {
      await abandon(id, error);
      throw error;
    }
  };
}
