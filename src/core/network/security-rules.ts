import { isIPv6, SocketAddress } from 'node:net';
import { isPendingDelete, type Listener, type LoadBalancerTree } from '../../model/load-balancer.ts';
import type { NewSecurityGroupRule, SecurityGroupRule } from '../../model/network.ts';
import { basePeerPort } from '../haproxy/peers.ts';

/** VRRP, and the authentication header that keepalived puts before it. */
const pairProtocols = ['112', '51'];

const transports = { UDP: 'udp', SCTP: 'sctp' } as const;
const transportOf = ({ protocol }: Listener) =>
  protocol === 'UDP' || protocol === 'SCTP' ? transports[protocol] : 'tcp';

/**
 * What the VIP lets in: each listener's port, from everywhere or from its allowed CIDRs, for the families of addresses that
 * the VIPs have; and, for a pair, what its two amphorae tell each other
 * (octavia/network/drivers/neutron/allowed_address_pairs.py, _update_security_group_rules). Each rule once.
 */
export function vipSecurityRules({ loadBalancer, listeners }: LoadBalancerTree): NewSecurityGroupRule[] {
  const addresses = [loadBalancer.vip, ...loadBalancer.additionalVips].map(({ address }) => address);
  const families = [...new Set(addresses.map((address) => (isIPv6(address) ? 'IPv6' : 'IPv4')))];
  const rules: NewSecurityGroupRule[] = [];
  const letIn = (protocol: string, port: number | null, remoteIpPrefix: string | null) => {
    const wanted = remoteIpPrefix === null ? families : [remoteIpPrefix.includes(':') ? 'IPv6' : 'IPv4'];
    for (const etherType of wanted) {
      if (!families.includes(etherType as (typeof families)[number])) continue;
      rules.push({ protocol, portRangeMin: port, portRangeMax: port, etherType, remoteIpPrefix });
    }
  };
  // With groups of the user's own, this one is for the pair alone.
  for (const listener of loadBalancer.vipSgIds.length > 0 ? [] : listeners) {
    if (isPendingDelete(listener)) continue;
    const from = listener.allowedCidrs.length > 0 ? listener.allowedCidrs : [null];
    for (const cidr of from) letIn(transportOf(listener), listener.protocolPort, cidr);
  }
  if (loadBalancer.topology === 'ACTIVE_STANDBY') {
    letIn('tcp', basePeerPort, null);
    for (const protocol of pairProtocols) letIn(protocol, null, null);
  }
  return [...new Map(rules.map((rule) => [keyOf(rule), rule])).values()];
}

/** Of the wanted rules, those that the group lacks. */
export function rulesToAdd(
  present: readonly SecurityGroupRule[],
  wanted: readonly NewSecurityGroupRule[],
): NewSecurityGroupRule[] {
  const there = new Set(present.filter(isIngress).map(keyOf));
  return wanted.filter((rule) => !there.has(keyOf(rule)));
}

/** Of the group's rules, those that let in what is not wanted. What goes out is nobody's affair. */
export function rulesToRemove(
  present: readonly SecurityGroupRule[],
  wanted: readonly NewSecurityGroupRule[],
): SecurityGroupRule[] {
  const kept = new Set(wanted.map(keyOf));
  return present.filter((rule) => isIngress(rule) && !kept.has(keyOf(rule)));
}

const isIngress = ({ direction }: SecurityGroupRule) => direction === 'ingress';

/**
 * Equal for rules that mean the same, however they are written: Neutron shortens IPv6 networks, gives single addresses a
 * length, and some releases give back names for the numbers of protocols (neutron_lib/constants.py, IP_PROTOCOL_MAP). A
 * rule that did not recognise itself would be removed as unwanted.
 */
function keyOf(rule: NewSecurityGroupRule): string {
  const { portRangeMin, portRangeMax, etherType } = rule;
  const protocol = rule.protocol?.toLowerCase() ?? null;
  return JSON.stringify([
    protocol === null ? null : (protocolNames[protocol] ?? protocol),
    portRangeMin,
    portRangeMax,
    etherType,
    networkOf(rule.remoteIpPrefix),
  ]);
}

const protocolNames: Readonly<Record<string, string>> = { 6: 'tcp', 17: 'udp', 132: 'sctp', vrrp: '112', ah: '51' };

/** Null for everywhere, which is also written as a network of all addresses. */
function networkOf(cidr: string | null): string | null {
  if (cidr === null) return null;
  const [address = '', length = isIPv6(cidr) ? '128' : '32'] = cidr.split('/');
  if (Number(length) === 0) return null;
  const written = isIPv6(address) ? new SocketAddress({ address, family: 'ipv6' }).address : address;
  return `${written}/${Number(length)}`;
}
