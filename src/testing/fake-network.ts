import type { Network, NetworkService, SecurityGroup } from '../ports/network.ts';
import { aServiceError, type Switches, withSwitches } from './switches.ts';

export interface FakeNetwork extends NetworkService, Switches<keyof NetworkService> {
  addPort(deviceId: string, port: { id: string; networkId: string; ipAddresses: readonly string[] }): void;
}

/** Neutron in memory: one network and one security group unless told otherwise. */
export function createFakeNetwork(
  options: { networks?: readonly Network[]; securityGroups?: readonly SecurityGroup[] } = {},
): FakeNetwork {
  const { networks = [aNetwork()], securityGroups = [aSecurityGroup()] } = options;
  const ports = new Map<string, { id: string; networkId: string; ipAddresses: readonly string[] }[]>();
  const find = <T extends { id: string }>(what: string, all: readonly T[], id: string): T => {
    const found = all.find((one) => one.id === id);
    if (found) return found;
    const serviceMessage = `${what} ${id} could not be found.`;
    throw aServiceError('SERVICE_NOT_FOUND', { service: 'network', status: 404, serviceMessage });
  };
  const port: NetworkService = {
    getNetwork: async (networkId) => find('Network', networks, networkId),
    getSecurityGroup: async (groupId) => find('Security group', securityGroups, groupId),
    listPortsOfDevice: async (deviceId) => ports.get(deviceId) ?? [],
  };
  return {
    ...withSwitches(port),
    addPort: (deviceId, one) => {
      ports.set(deviceId, [...(ports.get(deviceId) ?? []), one]);
    },
  };
}

export function aNetwork(fields: Partial<Network> = {}): Network {
  return {
    id: 'lb-mgmt-net',
    name: 'lb-mgmt-net',
    projectId: 'service-project',
    adminStateUp: true,
    status: 'ACTIVE',
    subnetIds: ['lb-mgmt-net-subnet'],
    shared: false,
    ...fields,
  };
}

export function aSecurityGroup(fields: Partial<SecurityGroup> = {}): SecurityGroup {
  const rule = { protocol: 'tcp', portRangeMin: 9443, portRangeMax: 9443, etherType: 'IPv4', remoteIpPrefix: null };
  return {
    id: 'lb-mgmt-sec-grp',
    name: 'lb-mgmt-sec-grp',
    projectId: 'service-project',
    rules: [{ direction: 'ingress', ...rule }],
    ...fields,
  };
}
