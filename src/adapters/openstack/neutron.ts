import { noneIfGone, ServiceError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { NetworkService, NewPort, Port, PortPatch } from '../../ports/network.ts';
import type { Http } from './http.ts';
import { lookForLost } from './look-for-lost.ts';
import {
  freeAddressesOf,
  networkOf,
  portOf,
  readIpAvailability,
  readNetwork,
  readPort,
  readPorts,
  readQosPolicy,
  readSecurityGroup,
  readSecurityGroups,
  readSubnet,
  readSubnets,
  securityGroupOf,
  subnetOf,
} from './neutron-answers.ts';
import { createServiceClient, type ServiceClient, type ServiceSession, segment } from './service-client.ts';

/** How long a port is looked for after the answer to its creation was lost. Neutron makes one while the caller waits. */
const defaultLookupSeconds = 10;

/** Neutron's API 2.0. */
export const createNetworkClient = (options: { session: ServiceSession; http: Http }): ServiceClient =>
  createServiceClient({
    serviceType: 'network',
    session: options.session,
    http: options.http,
    base: (endpoint) => `${endpoint.replace(/\/v2(\.0)?$/, '')}/v2.0`,
  });

/**
 * Neutron v2.0.
 * @param options.portLookupSeconds how long to look for a port whose creation got no proper answer.
 */
export function createNeutron(options: {
  session: ServiceSession;
  http: Http;
  clock: Clock;
  log: Log;
  portLookupSeconds?: number;
}): NetworkService {
  const { clock, log, portLookupSeconds = defaultLookupSeconds } = options;
  const client = createNetworkClient(options);
  const portPath = (portId: string) => `/ports/${segment('The port ID', portId)}`;
  const groupPath = (groupId: string) => `/security-groups/${segment('The security group ID', groupId)}`;

  async function listPorts(query: readonly (readonly [string, string])[], signal?: AbortSignal): Promise<Port[]> {
    return (await client.call({ method: 'GET', path: '/ports', query, signal }, readPorts)).ports.map(portOf);
  }
  // Neutron leaves out a filter with an empty value, and some databases compare without case: exact again on this side.
  const findPortsByName = async (name: string, signal?: AbortSignal) =>
    (await listPorts([['name', name]], signal)).filter((port) => port.name === name);

  const sendPort = async (port: NewPort) => {
    const json = { port: portRequest(port) };
    return portOf((await client.call({ method: 'POST', path: '/ports', json }, readPort)).port);
  };

  /** Several of a name that is unique to its purpose can only be the same creation, carried out twice: one is kept. */
  async function ofThisName({ name, networkId }: NewPort, signal?: AbortSignal): Promise<Port | null> {
    const found = (await findPortsByName(name, signal)).filter((port) => port.networkId === networkId);
    const [first, ...others] = found.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    for (const other of others) {
      log.warn({ name, portId: other.id }, 'A port was made twice because an answer was lost; one of them is deleted');
      await deletePort(other.id);
    }
    return first ?? null;
  }

  async function afterLostAnswer(port: NewPort, lost: ServiceError): Promise<Port> {
    log.warn({ name: port.name, error: lost.message }, 'The answer to a port creation was lost; looking for the port');
    const look = (limit: AbortSignal) => ofThisName(port, limit);
    const found = await lookForLost(clock, portLookupSeconds, look).catch((error: Error) => {
      log.warn({ name: port.name, error: error.message }, 'Looking for the port failed');
      throw lost;
    });
    if (found) {
      log.info({ name: port.name, portId: found.id }, 'Neutron had made the port; it is used');
      return found;
    }
    const made = await sendPort(port).catch(async (error: unknown) => {
      // The first one may have been slow: then its address is taken, or this answer got lost as well.
      const late = await ofThisName(port).catch(() => null);
      if (late) return late;
      throw notRetryableConflict(error);
    });
    // Which of two is kept does not matter; one is had, whether or not Neutron tells of another.
    return (await ofThisName(port).catch(() => null)) ?? made;
  }

  async function deletePort(portId: string): Promise<void> {
    await client.send({ method: 'DELETE', path: portPath(portId) }).catch(noneIfGone);
  }

  return {
    async getNetwork(networkId) {
      const path = `/networks/${segment('The network ID', networkId)}`;
      return networkOf((await client.call({ method: 'GET', path }, readNetwork)).network);
    },

    async getSubnet(subnetId) {
      const path = `/subnets/${segment('The subnet ID', subnetId)}`;
      return subnetOf((await client.call({ method: 'GET', path }, readSubnet)).subnet);
    },

    async listSubnetsOfNetwork(networkId) {
      const query = [['network_id', networkId]] as const;
      const { subnets } = await client.call({ method: 'GET', path: '/subnets', query }, readSubnets);
      return subnets.filter((one) => one.network_id === networkId).map(subnetOf);
    },

    async freeAddresses(networkId) {
      const path = `/network-ip-availabilities/${segment('The network ID', networkId)}`;
      return freeAddressesOf((await client.call({ method: 'GET', path }, readIpAvailability)).network_ip_availability);
    },

    async getPort(portId) {
      return portOf((await client.call({ method: 'GET', path: portPath(portId) }, readPort)).port);
    },

    async listPortsOfDevice(deviceId) {
      return (await listPorts([['device_id', deviceId]])).filter((port) => port.deviceId === deviceId);
    },

    findPortsByName: (name) => findPortsByName(name),

    async findPortsByDescription(description) {
      return (await listPorts([['description', description]])).filter((port) => port.description === description);
    },

    async createPort(port) {
      try {
        return await sendPort(port);
      } catch (error) {
        if (!(error instanceof ServiceError && error.call.outcomeUnknown)) throw notRetryableConflict(error);
        return afterLostAnswer(port, error);
      }
    },

    async updatePort(portId, patch) {
      const request = { method: 'PUT', path: portPath(portId), json: { port: portChange(patch) } } as const;
      return portOf((await client.call(request, readPort)).port);
    },

    deletePort,

    async getSecurityGroup(groupId) {
      const { security_group } = await client.call({ method: 'GET', path: groupPath(groupId) }, readSecurityGroup);
      return securityGroupOf(security_group);
    },

    async findSecurityGroupsByName(name) {
      const request = { method: 'GET', path: '/security-groups', query: [['name', name]] } as const;
      const { security_groups } = await client.call(request, readSecurityGroups);
      return security_groups.filter((group) => group.name === name).map(securityGroupOf);
    },

    async createSecurityGroup(group) {
      const request = { method: 'POST', path: '/security-groups', json: { security_group: group } } as const;
      return securityGroupOf((await client.call(request, readSecurityGroup)).security_group);
    },

    async deleteSecurityGroup(groupId) {
      await client.send({ method: 'DELETE', path: groupPath(groupId) }).catch(noneIfGone);
    },

    async createSecurityGroupRule(groupId, rule) {
      const security_group_rule = {
        security_group_id: groupId,
        direction: 'ingress',
        ethertype: rule.etherType,
        protocol: rule.protocol,
        port_range_min: rule.portRangeMin,
        port_range_max: rule.portRangeMax,
        remote_ip_prefix: rule.remoteIpPrefix,
      };
      // Neutron itself refuses a second one like it, so that sending it again does no harm.
      const request = { method: 'POST', path: '/security-group-rules', repeatable: true } as const;
      await client.send({ ...request, json: { security_group_rule } }).catch((error: unknown) => {
        if (error instanceof ServiceError && /rule already exists/i.test(error.call.serviceMessage ?? '')) return;
        throw error;
      });
    },

    async deleteSecurityGroupRule(ruleId) {
      const path = `/security-group-rules/${segment('The rule ID', ruleId)}`;
      await client.send({ method: 'DELETE', path }).catch(noneIfGone);
    },

    async getQosPolicy(policyId) {
      // Without the extension qos there is no such path, and that is a 404 as well.
      const path = `/qos/policies/${segment('The QoS policy ID', policyId)}`;
      const { policy } = await client.call({ method: 'GET', path }, readQosPolicy);
      return { id: policy.id };
    },
  };
}

function portRequest(port: NewPort): object {
  return {
    name: port.name,
    network_id: port.networkId,
    device_id: port.deviceId,
    device_owner: port.deviceOwner,
    admin_state_up: port.adminStateUp,
    ...(port.projectId === null ? {} : { project_id: port.projectId }),
    // An empty list would ask for a port without an address.
    ...(port.fixedIps.length === 0 ? {} : { fixed_ips: fixedIpsOf(port.fixedIps) }),
    ...(port.securityGroupIds === null ? {} : { security_groups: port.securityGroupIds }),
    ...(port.allowedAddressPairs.length === 0 ? {} : { allowed_address_pairs: addressPairs(port) }),
    // A Neutron without QoS refuses the field itself.
    ...(port.qosPolicyId === null ? {} : { qos_policy_id: port.qosPolicyId }),
    ...(port.description === undefined ? {} : { description: port.description }),
  };
}

function portChange(patch: PortPatch): object {
  return {
    ...(patch.name === undefined ? {} : { name: patch.name }),
    ...(patch.adminStateUp === undefined ? {} : { admin_state_up: patch.adminStateUp }),
    ...(patch.deviceId === undefined ? {} : { device_id: patch.deviceId }),
    ...(patch.deviceOwner === undefined ? {} : { device_owner: patch.deviceOwner }),
    ...(patch.allowedAddressPairs === undefined ? {} : { allowed_address_pairs: addressPairs(patch) }),
    ...(patch.qosPolicyId === undefined ? {} : { qos_policy_id: patch.qosPolicyId }),
    ...(patch.securityGroupIds === undefined ? {} : { security_groups: patch.securityGroupIds }),
    ...(patch.fixedIps === undefined ? {} : { fixed_ips: fixedIpsOf(patch.fixedIps) }),
  };
}

function fixedIpsOf(fixedIps: NewPort['fixedIps']): object[] {
  return fixedIps.map(({ subnetId, ipAddress }) => ({
    ...(subnetId === null ? {} : { subnet_id: subnetId }),
    ...(ipAddress === null ? {} : { ip_address: ipAddress }),
  }));
}

function addressPairs({ allowedAddressPairs = [] }: Pick<PortPatch, 'allowedAddressPairs'>): object[] {
  return allowedAddressPairs.map(({ ipAddress }) => ({ ip_address: ipAddress }));
}

/** What a new port asks for is taken by another one, and stays so: an address, or a hardware address. */
function notRetryableConflict(error: unknown): unknown {
  if (!(error instanceof ServiceError) || error.code !== 'SERVICE_CONFLICT') return error;
  const noAddressLeft = /no more ip addresses/i.test(error.call.serviceMessage ?? '');
  const code = noAddressLeft ? 'SERVICE_LIMIT' : 'SERVICE_CONFLICT';
  return new ServiceError(code, error.message, error.call, { cause: error, retryable: noAddressLeft });
}
