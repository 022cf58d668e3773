import type { Flavor, FlavorCapabilities, FlavorProfile, Zone, ZoneCapabilities } from '../../model/flavor.ts';
import type { LoadBalancer, Vip } from '../../model/load-balancer.ts';
import { disabledOption, invalidRequest, providerNotEnabled, validationFailure } from './api-errors.ts';
import { checkServed, flavorCapabilities, zoneCapabilities } from './capabilities.ts';
import { type CreationContext, changedRow, newRow, patched } from './creation-context.ts';
import type { ApiSettings } from './settings.ts';
import type { LoadBalancerPatch, LoadBalancerSpec } from './spec.ts';

/** What can be said of a creation before the network was asked for an address. */
export function checkLoadBalancerSpec(spec: LoadBalancerSpec, settings: ApiSettings): void {
  const ways = [
    ['vip_port_id', spec.vipPortId, settings.allowVipPortId],
    ['vip_network_id', spec.vipNetworkId, settings.allowVipNetworkId],
    ['vip_subnet_id', spec.vipSubnetId, settings.allowVipSubnetId],
  ] as const;
  for (const [name, value, allowed] of ways) {
    if (value && !allowed) throw validationFailure(`use of ${name} is disallowed by this deployment's configuration.`);
  }
  if (!ways.some(([, value]) => value)) {
    const allowed = ways.filter(([, , isAllowed]) => isAllowed).map(([name]) => name);
    throw validationFailure(`VIP must contain one of: ${allowed.join(', ')}.`);
  }
  const subnets = (spec.additionalVips ?? []).map(({ subnetId }) => subnetId);
  if (new Set([...subnets, spec.vipSubnetId]).size <= subnets.length) {
    throw validationFailure('Duplicate VIP subnet(s) specified. Only one IP can be bound per subnet.');
  }
  // To name nothing is to name what is not there; only what is left out is the operator's default.
  if (spec.flavorId === null) throw invalidFlavor();
  if (spec.availabilityZone === null || spec.availabilityZone === '') throw invalidZone();
  if (spec.provider && !Object.hasOwn(settings.providers, spec.provider)) throw providerNotEnabled(spec.provider);
}

export const invalidFlavor = () => validationFailure('Invalid flavor_id.');
const invalidZone = () => validationFailure('Invalid availability zone.');

/** What the operator offers under the names that a creation asks for; null where it names none. */
export interface ResolvedProfiles {
  flavor: { profile: FlavorProfile; capabilities: FlavorCapabilities } | null;
  zone: ZoneCapabilities | null;
}

/** @param flavor what is there under the ID that a request gave. */
export function checkFlavor(flavorId: string, flavor: Flavor | null): Flavor {
  if (!flavor) throw invalidFlavor();
  if (!flavor.enabled) throw disabledOption('flavor', flavorId);
  return flavor;
}

/** @param zone what is there under the name that a request gave. */
export function checkZone(name: string, zone: Zone | null): void {
  if (!zone) throw invalidZone();
  if (!zone.enabled) throw disabledOption('availability_zone', name);
}

/** A load balancer that names no provider has its flavor's. */
export function providerOf(spec: LoadBalancerSpec, profiles: ResolvedProfiles, settings: ApiSettings): string {
  const profile = profiles.flavor?.profile;
  if (!profile) return spec.provider || settings.defaultProvider;
  if (spec.provider && spec.provider !== profile.providerName) {
    throw invalidRequest(`Flavor '${spec.flavorId}' is not compatible with provider '${spec.provider}'`);
  }
  if (!Object.hasOwn(settings.providers, profile.providerName)) throw providerNotEnabled(profile.providerName);
  return profile.providerName;
}

/** Refuses whatever of the profiles would be left out. */
export function checkProfilesAreServed(
  spec: LoadBalancerSpec,
  profiles: ResolvedProfiles,
  settings: ApiSettings,
): void {
  const provider = providerOf(spec, profiles, settings);
  checkServed(provider, profiles.flavor?.capabilities ?? {}, flavorCapabilities);
  checkServed(provider, profiles.zone ?? {}, zoneCapabilities);
}

/** A load balancer keeps its provider and its topology, whatever flavor it gets. @throws KilnError REQUEST_INVALID. */
export function checkResize(
  loadBalancer: Pick<LoadBalancer, 'id' | 'flavorId' | 'provider' | 'topology'>,
  flavorId: string | null,
  { flavor }: ResolvedProfiles,
): void {
  const { id, provider, topology } = loadBalancer;
  if (loadBalancer.flavorId === flavorId) {
    const already =
      flavorId === null
        ? `load balancer ${id} has no flavor`
        : `flavor_id ${flavorId} is the flavor of load balancer ${id}`;
    throw validationFailure(`${already} already. To build its amphorae anew, fail it over.`);
  }
  if (flavorId === null) return;
  if (flavor?.profile.providerName !== provider) {
    throw invalidRequest(`Flavor '${flavorId}' is not compatible with provider '${provider}'`);
  }
  checkServed(provider, flavor?.capabilities ?? {}, flavorCapabilities);
  const wanted = flavor?.capabilities.loadbalancer_topology ?? topology;
  if (wanted !== topology) {
    throw validationFailure(
      `flavor_id ${flavorId} is for topology ${wanted}, and load balancer ${id} has ${topology}. Choose a flavor of the same topology, or make a new load balancer.`,
    );
  }
}

/** Networks that VIPs may be in, by the zone, else by the configuration; empty: any. */
export function allowedVipNetworks(profiles: ResolvedProfiles, settings: ApiSettings): readonly string[] {
  const ofZone = profiles.zone?.valid_vip_networks ?? [];
  return ofZone.length > 0 ? ofZone : settings.validVipNetworks;
}

export function makeLoadBalancer(
  context: CreationContext,
  spec: LoadBalancerSpec,
  projectId: string,
  profiles: ResolvedProfiles,
  allocated: { id: string; vip: Vip; additionalVips: readonly Vip[]; qosPolicyId: string | null },
): LoadBalancer {
  return {
    ...newRow(context, projectId, spec),
    id: allocated.id,
    name: spec.name ?? '',
    description: spec.description ?? '',
    vip: allocated.vip,
    vipQosPolicyId: allocated.qosPolicyId,
    vipSgIds: [...new Set(spec.vipSgIds ?? [])],
    additionalVips: allocated.additionalVips,
    provider: providerOf(spec, profiles, context.settings),
    flavorId: spec.flavorId ?? null,
    availabilityZone: spec.availabilityZone ?? null,
    topology: profiles.flavor?.capabilities.loadbalancer_topology ?? context.settings.topology,
    serverGroupId: null,
  };
}

export function changeLoadBalancer(loadBalancer: LoadBalancer, patch: LoadBalancerPatch, now: string): LoadBalancer {
  return {
    ...changedRow(loadBalancer, patch, now),
    name: patched(patch.name, loadBalancer.name, ''),
    description: patched(patch.description, loadBalancer.description, ''),
    vipQosPolicyId: patched(patch.vipQosPolicyId, loadBalancer.vipQosPolicyId, null),
    vipSgIds: [...new Set(patched(patch.vipSgIds, loadBalancer.vipSgIds, []))],
  };
}
