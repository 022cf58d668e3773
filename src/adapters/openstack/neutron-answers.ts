import { type Static, Type } from 'typebox';
import type { Network, Port, SecurityGroup, Subnet } from '../../ports/network.ts';
import { readerOf } from './answers.ts';

const id = Type.String({ minLength: 1 });
const optional = <Value extends Parameters<typeof Type.Union>[0][number]>(value: Value) =>
  Type.Optional(Type.Union([value, Type.Null()]));
const text = optional(Type.String());
const wholeNumber = optional(Type.Integer());
/** The project has two names, of which old and new Neutrons leave one out. */
const project = { project_id: text, tenant_id: text };
const projectOf = (one: { project_id?: string | null; tenant_id?: string | null }) =>
  one.project_id ?? one.tenant_id ?? '';

const network = Type.Object({
  ...project,
  id,
  name: Type.String(),
  admin_state_up: Type.Boolean(),
  status: Type.String(),
  subnets: Type.Array(Type.String()),
  shared: Type.Optional(Type.Boolean()),
  mtu: wholeNumber,
});
export const readNetwork = readerOf(Type.Object({ network }));

/** What Ethernet carries where a Neutron without the extension net-mtu doesn't say. */
const ethernetMtu = 1500;

export function networkOf(one: Static<typeof network>): Network {
  return {
    id: one.id,
    name: one.name,
    projectId: projectOf(one),
    adminStateUp: one.admin_state_up,
    status: one.status,
    subnetIds: one.subnets,
    shared: one.shared ?? false,
    // 0 means that Neutron doesn't know.
    mtu: one.mtu || ethernetMtu,
  };
}

const subnet = Type.Object({
  ...project,
  id,
  name: Type.String(),
  network_id: id,
  ip_version: Type.Union([Type.Literal(4), Type.Literal(6)]),
  cidr: Type.String({ minLength: 1 }),
  gateway_ip: text,
  host_routes: Type.Optional(Type.Array(Type.Object({ destination: Type.String(), nexthop: Type.String() }))),
});
export const readSubnet = readerOf(Type.Object({ subnet }));
export const readSubnets = readerOf(Type.Object({ subnets: Type.Array(subnet) }));

export function subnetOf(one: Static<typeof subnet>): Subnet {
  return {
    id: one.id,
    name: one.name,
    networkId: one.network_id,
    projectId: projectOf(one),
    ipVersion: one.ip_version,
    cidr: one.cidr,
    gatewayIp: one.gateway_ip ?? null,
    hostRoutes: (one.host_routes ?? []).map(({ destination, nexthop }) => ({ destination, nexthop })),
  };
}

/** Numbers: of IPv6 there are more addresses than an integer holds. */
const availability = Type.Object({
  subnet_ip_availability: Type.Array(Type.Object({ subnet_id: id, total_ips: Type.Number(), used_ips: Type.Number() })),
});
export const readIpAvailability = readerOf(Type.Object({ network_ip_availability: availability }));

export function freeAddressesOf({ subnet_ip_availability: subnets }: Static<typeof availability>): Map<string, number> {
  return new Map(subnets.map((one) => [one.subnet_id, one.total_ips - one.used_ips]));
}

const port = Type.Object({
  ...project,
  id,
  name: Type.String(),
  network_id: id,
  mac_address: Type.String(),
  admin_state_up: Type.Boolean(),
  status: Type.String(),
  device_id: Type.String(),
  device_owner: Type.String(),
  fixed_ips: Type.Array(Type.Object({ subnet_id: id, ip_address: Type.String({ minLength: 1 }) })),
  security_groups: Type.Optional(Type.Array(Type.String())),
  allowed_address_pairs: Type.Optional(Type.Array(Type.Object({ ip_address: Type.String() }))),
  qos_policy_id: text,
  // Left out where the extension port-security is not loaded: then every port is filtered.
  port_security_enabled: Type.Optional(Type.Boolean()),
  description: Type.Optional(text),
});
export const readPort = readerOf(Type.Object({ port }));
export const readPorts = readerOf(Type.Object({ ports: Type.Array(port) }));

export function portOf(one: Static<typeof port>): Port {
  return {
    id: one.id,
    name: one.name,
    networkId: one.network_id,
    projectId: projectOf(one),
    macAddress: one.mac_address,
    adminStateUp: one.admin_state_up,
    status: one.status,
    deviceId: one.device_id,
    deviceOwner: one.device_owner,
    fixedIps: one.fixed_ips.map((ip) => ({ subnetId: ip.subnet_id, ipAddress: ip.ip_address })),
    securityGroupIds: one.security_groups ?? [],
    allowedAddressPairs: (one.allowed_address_pairs ?? []).map((pair) => ({ ipAddress: pair.ip_address })),
    qosPolicyId: one.qos_policy_id ?? null,
    portSecurityEnabled: one.port_security_enabled ?? true,
    description: one.description ?? '',
  };
}

const securityGroup = Type.Object({
  ...project,
  id,
  name: Type.String(),
  security_group_rules: Type.Array(
    Type.Object({
      id,
      direction: Type.Union([Type.Literal('ingress'), Type.Literal('egress')]),
      ethertype: Type.String(),
      protocol: text,
      port_range_min: wholeNumber,
      port_range_max: wholeNumber,
      remote_ip_prefix: text,
    }),
  ),
});
export const readSecurityGroup = readerOf(Type.Object({ security_group: securityGroup }));
export const readSecurityGroups = readerOf(Type.Object({ security_groups: Type.Array(securityGroup) }));

export function securityGroupOf(one: Static<typeof securityGroup>): SecurityGroup {
  return {
    id: one.id,
    name: one.name,
    projectId: projectOf(one),
    rules: one.security_group_rules.map((rule) => ({
      id: rule.id,
      direction: rule.direction,
      protocol: rule.protocol ?? null,
      portRangeMin: rule.port_range_min ?? null,
      portRangeMax: rule.port_range_max ?? null,
      etherType: rule.ethertype,
      remoteIpPrefix: rule.remote_ip_prefix ?? null,
    })),
  };
}

export const readQosPolicy = readerOf(Type.Object({ policy: Type.Object({ id }) }));
