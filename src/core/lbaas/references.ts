/** What requests refer to in the network: the one place that knows where in a body such references stand. */

interface NetworkIds {
  subnetIds: string[];
  securityGroupIds: string[];
  qosPolicyIds: string[];
}

/**
 * The references to subnets, security groups and QoS policies of a body in the core's names, at any depth. Those of a new
 * VIP (`vipSubnetId`, `additionalVips` …) are not among them: they are looked up when it is taken.
 */
export function networkReferencesOf(body: object): NetworkIds {
  const found: NetworkIds = { subnetIds: [], securityGroupIds: [], qosPolicyIds: [] };
  collect(body, found);
  return found;
}

function collect(value: unknown, found: NetworkIds): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [field, inner] of Object.entries(value)) {
    if (field === 'additionalVips' || field === 'insertHeaders') continue;
    if (field === 'subnetId' && typeof inner === 'string') found.subnetIds.push(inner);
    else if (field === 'vipQosPolicyId' && typeof inner === 'string') found.qosPolicyIds.push(inner);
    else if (field === 'vipSgIds' && Array.isArray(inner)) found.securityGroupIds.push(...(inner as string[]));
    else collect(inner, found);
  }
}
