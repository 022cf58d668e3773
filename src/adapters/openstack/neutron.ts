import { type Static, Type } from 'typebox';
import type { Network, NetworkService, SecurityGroup } from '../../ports/network.ts';
import { readerOf } from './answers.ts';
import type { Http } from './http.ts';
import type { OpenStackSession } from './keystone.ts';
import { createServiceClient, segment } from './service-client.ts';

/** Neutron v2.0. */
export function createNeutron(options: { session: OpenStackSession; http: Http }): NetworkService {
  const client = createServiceClient({
    serviceType: 'network',
    session: options.session,
    http: options.http,
    base: (endpoint) => `${endpoint.replace(/\/v2(\.0)?$/, '')}/v2.0`,
  });
  return {
    async getNetwork(networkId) {
      const path = `/networks/${segment('The network ID', networkId)}`;
      return networkOf((await client.call({ method: 'GET', path }, readNetwork)).network);
    },
    async getSecurityGroup(securityGroupId) {
      const path = `/security-groups/${segment('The security group ID', securityGroupId)}`;
      return securityGroupOf((await client.call({ method: 'GET', path }, readSecurityGroup)).security_group);
    },
    async listPortsOfDevice(deviceId) {
      const query = [['device_id', deviceId]] as const;
      const { ports } = await client.call({ method: 'GET', path: '/ports', query }, readPorts);
      // Neutron leaves out a filter with an empty value; then these would be everyone's ports.
      return ports
        .filter((port) => port.device_id === deviceId)
        .map((port) => ({
          id: port.id,
          networkId: port.network_id,
          ipAddresses: port.fixed_ips.map((ip) => ip.ip_address),
        }));
    },
  };
}

const id = Type.String({ minLength: 1 });
const optionalText = Type.Optional(Type.Union([Type.String(), Type.Null()]));
/** The project has two names, of which old and new Neutrons leave one out. */
const project = { project_id: Type.Optional(Type.String()), tenant_id: Type.Optional(Type.String()) };
const projectOf = (one: { project_id?: string; tenant_id?: string }) => one.project_id ?? one.tenant_id ?? '';

const network = Type.Object({
  ...project,
  id,
  name: Type.String(),
  admin_state_up: Type.Boolean(),
  status: Type.String(),
  subnets: Type.Array(Type.String()),
  shared: Type.Optional(Type.Boolean()),
});
const readNetwork = readerOf(Type.Object({ network }));

function networkOf(one: Static<typeof network>): Network {
  return {
    id: one.id,
    name: one.name,
    projectId: projectOf(one),
    adminStateUp: one.admin_state_up,
    status: one.status,
    subnetIds: one.subnets,
    shared: one.shared ?? false,
  };
}

const port = Type.Optional(Type.Union([Type.Integer(), Type.Null()]));
const securityGroup = Type.Object({
  ...project,
  id,
  name: Type.String(),
  security_group_rules: Type.Array(
    Type.Object({
      direction: Type.Union([Type.Literal('ingress'), Type.Literal('egress')]),
      ethertype: Type.String(),
      protocol: optionalText,
      port_range_min: port,
      port_range_max: port,
      remote_ip_prefix: optionalText,
    }),
  ),
});
const readSecurityGroup = readerOf(Type.Object({ security_group: securityGroup }));

function securityGroupOf(one: Static<typeof securityGroup>): SecurityGroup {
  return {
    id: one.id,
    name: one.name,
    projectId: projectOf(one),
    rules: one.security_group_rules.map((rule) => ({
      direction: rule.direction,
      protocol: rule.protocol ?? null,
      portRangeMin: rule.port_range_min ?? null,
      portRangeMax: rule.port_range_max ?? null,
      etherType: rule.ethertype,
      remoteIpPrefix: rule.remote_ip_prefix ?? null,
    })),
  };
}

const readPorts = readerOf(
  Type.Object({
    ports: Type.Array(
      Type.Object({
        id,
        network_id: id,
        device_id: Type.String(),
        fixed_ips: Type.Array(Type.Object({ ip_address: Type.String() })),
      }),
    ),
  }),
);
