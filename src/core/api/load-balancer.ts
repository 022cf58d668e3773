import type { LoadBalancer, Vip } from '../../model/load-balancer.ts';
import { changedRow, type Making, newRow, patched } from './making.ts';
import { invalidRequest, validationFailure } from './refusals.ts';
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
  if (spec.provider && !settings.providers.includes(spec.provider)) {
    throw invalidRequest(`Provider '${spec.provider}' is not enabled.`);
  }
}

export function makeLoadBalancer(
  making: Making,
  spec: LoadBalancerSpec,
  projectId: string,
  allocated: { id: string; vip: Vip; additionalVips: readonly Vip[]; qosPolicyId: string | null },
): LoadBalancer {
  return {
    ...newRow(making, projectId, spec),
    id: allocated.id,
    name: spec.name ?? '',
    description: spec.description ?? '',
    vip: allocated.vip,
    vipQosPolicyId: allocated.qosPolicyId,
    vipSgIds: [...new Set(spec.vipSgIds ?? [])],
    additionalVips: allocated.additionalVips,
    provider: spec.provider ?? making.settings.providers[0] ?? 'amphora',
    flavorId: spec.flavorId ?? null,
    availabilityZone: spec.availabilityZone ?? null,
    topology: making.settings.topology,
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
