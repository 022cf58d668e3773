import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import type {
  FixedIp,
  Network,
  NetworkService,
  NewPort,
  Port,
  SecurityGroup,
  SecurityGroupRule,
  Subnet,
} from '../../../src/ports/network.ts';
import { aServiceError, type Switches, withSwitches } from '../fault-injection.ts';
import { addressAt, addressCount, isWithin } from './fake-addresses.ts';
import type { Memory } from './memory.ts';

export interface FakeNetwork extends NetworkService, Switches<keyof NetworkService> {
  /** All ports and security groups that there are, oldest first. */
  ports(): Port[];
  securityGroups(): SecurityGroup[];
  addNetwork(network: Network, subnets?: readonly Subnet[]): void;
  addQosPolicy(policyId: string): void;
  /** What Nova does, and what the switches don't count: a new port of a server. */
  makeServerPort(networkId: string, serverId: string): Promise<Port>;
  /** Gives a port to a server, or takes it back ("" for the server). */
  bindPort(portId: string, serverId: string): Port;
  removePort(portId: string): void;
  /** As somebody with more rights does: whatever is in it stays where it is. */
  removeNetwork(networkId: string): void;
  removeSubnet(subnetId: string): void;
  removeSecurityGroup(securityGroupId: string): void;
  /** Everything that it knows, to be looked at and put back as a whole. */
  memory: Memory;
}

interface Seed {
  networks?: readonly Network[];
  subnets?: readonly Subnet[];
  securityGroups?: readonly SecurityGroup[];
  qosPolicyIds?: readonly string[];
  /** The project that the service authenticates as. */
  projectId?: string;
  /** So many ports were made already: the MAC addresses of new ones are none of theirs. */
  portsMade?: number;
}

/**
 * Neutron in memory. Unless asked otherwise: the management network with its security group, and the shared network
 * `lb-vip-net` of a tenant.
 */
export function createFakeNetwork(seed: Seed = {}): FakeNetwork {
  const {
    networks: givenNetworks = [
      aNetwork(),
      aNetwork({
        id: 'lb-vip-net',
        name: 'lb-vip-net',
        projectId: 'demo-project',
        subnetIds: ['lb-vip-subnet'],
        shared: true,
      }),
    ],
    subnets: givenSubnets = [
      aSubnet(),
      aSubnet({
        id: 'lb-vip-subnet',
        name: 'lb-vip-subnet',
        networkId: 'lb-vip-net',
        projectId: 'demo-project',
        cidr: '10.100.0.0/16',
        gatewayIp: '10.100.0.1',
      }),
    ],
    securityGroups: givenGroups = [aSecurityGroup()],
    projectId: ownProject = 'service-project',
  } = seed;
  const byId = <One extends { id: string }>(all: readonly One[]) => new Map(all.map((one) => [one.id, one]));
  const networks = byId(givenNetworks);
  const subnets = byId(givenSubnets);
  const groups = byId(givenGroups);
  const ports = new Map<string, Port>();
  const qosPolicies = new Set(seed.qosPolicyIds);
  let made = seed.portsMade ?? 0;

  const fault = (
    status: number,
    code: Parameters<typeof aServiceError>[0],
    serviceMessage: string,
    retryable?: boolean,
  ) =>
    aServiceError(code, { service: 'network', status, serviceMessage }, retryable === undefined ? {} : { retryable });
  const find = <One>(what: string, all: ReadonlyMap<string, One>, id: string): One => {
    const found = all.get(id);
    if (found === undefined) throw fault(404, 'SERVICE_NOT_FOUND', `${what} ${id} could not be found.`);
    return found;
  };
  const subnetsOf = (networkId: string) => [...subnets.values()].filter((subnet) => subnet.networkId === networkId);
  /** `own`: what the port has already, and keeps where it is asked for. */
  function claimAll(networkId: string, wanted: NewPort['fixedIps'], own: readonly FixedIp[] = []): FixedIp[] {
    const claimed: FixedIp[] = [];
    for (const one of wanted) {
      const kept = own.find(({ ipAddress }) => ipAddress === one.ipAddress);
      claimed.push(kept ?? claim(networkId, one, claimed));
    }
    return claimed;
  }

  /** `claimed`: what the same port has got already. */
  function claim(networkId: string, wanted: NewPort['fixedIps'][number], claimed: readonly FixedIp[]): FixedIp {
    const isTaken = (address: string) =>
      claimed.some((ip) => ip.ipAddress === address) ||
      [...ports.values()].some(
        (port) => port.networkId === networkId && port.fixedIps.some((ip) => ip.ipAddress === address),
      );
    const candidates = subnetsOf(networkId).filter((one) => wanted.subnetId === null || one.id === wanted.subnetId);
    if (wanted.subnetId !== null && candidates.length === 0) {
      find('Subnet', subnets, wanted.subnetId);
      const why = `because fixed_ips included invalid subnet ${wanted.subnetId}`;
      throw fault(400, 'SERVICE_REJECTED_REQUEST', `Failed to create port on network ${networkId}, ${why}`);
    }
    const { ipAddress } = wanted;
    if (ipAddress === null) {
      for (const subnet of candidates) {
        // .0 is the network's own, .1 the gateway's.
        for (let n = 2; n < 2 ** 16; n++) {
          const address = addressAt(subnet.cidr, n);
          if (!isWithin(address, subnet.cidr)) break;
          if (!isTaken(address)) return { subnetId: subnet.id, ipAddress: address };
        }
      }
      throw fault(409, 'SERVICE_LIMIT', `No more IP addresses available on network ${networkId}.`);
    }
    const home = candidates.find((subnet) => isIP(ipAddress) !== 0 && isWithin(ipAddress, subnet.cidr));
    if (!home) {
      throw fault(
        400,
        'SERVICE_REJECTED_REQUEST',
        `IP address ${ipAddress} is not a valid IP for the specified subnet.`,
      );
    }
    if (isTaken(ipAddress)) {
      const message = `IP address ${ipAddress} already allocated in subnet ${home.id}`;
      throw fault(409, 'SERVICE_CONFLICT', message, false);
    }
    return { subnetId: home.id, ipAddress };
  }

  const checkedGroups = (ids: readonly string[]) => ids.map((id) => find('Security group', groups, id).id);
  const checkedPolicy = (id: string | null) => {
    if (id !== null && !qosPolicies.has(id)) {
      throw fault(404, 'SERVICE_NOT_FOUND', `QoS policy ${id} could not be found.`);
    }
    return id;
  };

  const service: NetworkService = {
    getNetwork: async (networkId) => find('Network', networks, networkId),
    getSubnet: async (subnetId) => find('Subnet', subnets, subnetId),
    listSubnetsOfNetwork: async (networkId) => subnetsOf(networkId),
    async freeAddresses(networkId) {
      find('Network', networks, networkId);
      const taken = [...ports.values()].flatMap((port) => port.fixedIps);
      return new Map(
        subnetsOf(networkId).map(({ id, cidr }) => [
          id,
          addressCount(cidr) - taken.filter(({ subnetId }) => subnetId === id).length,
        ]),
      );
    },
    getPort: async (portId) => find('Port', ports, portId),
    listPortsOfDevice: async (deviceId) => [...ports.values()].filter((port) => port.deviceId === deviceId),
    findPortsByName: async (name) => [...ports.values()].filter((port) => port.name === name),
    findPortsByDescription: async (text) => [...ports.values()].filter(({ description }) => description === text),

    async createPort(port) {
      find('Network', networks, port.networkId);
      made++;
      const wanted =
        port.fixedIps.length > 0 || subnetsOf(port.networkId).length === 0
          ? port.fixedIps
          : [{ subnetId: null, ipAddress: null }];
      const row: Port = {
        id: randomUUID(),
        name: port.name,
        networkId: port.networkId,
        projectId: port.projectId ?? ownProject,
        macAddress: `fa:16:3e:01:${hex(made >> 8)}:${hex(made)}`,
        adminStateUp: port.adminStateUp,
        status: 'DOWN',
        deviceId: port.deviceId,
        deviceOwner: port.deviceOwner,
        fixedIps: claimAll(port.networkId, wanted),
        securityGroupIds: checkedGroups(port.securityGroupIds ?? []),
        allowedAddressPairs: port.allowedAddressPairs,
        qosPolicyId: checkedPolicy(port.qosPolicyId),
        portSecurityEnabled: true,
        description: port.description ?? '',
      };
      ports.set(row.id, row);
      return row;
    },

    async updatePort(portId, patch) {
      const port = find('Port', ports, portId);
      if (patch.securityGroupIds) checkedGroups(patch.securityGroupIds);
      if (patch.qosPolicyId !== undefined) checkedPolicy(patch.qosPolicyId);
      const { fixedIps, ...rest } = patch;
      const addresses = fixedIps ? { fixedIps: claimAll(port.networkId, fixedIps, port.fixedIps) } : {};
      const changed: Port = { ...port, ...rest, ...addresses };
      ports.set(portId, changed);
      return changed;
    },

    async deletePort(portId) {
      ports.delete(portId);
    },

    getSecurityGroup: async (groupId) => find('Security group', groups, groupId),
    findSecurityGroupsByName: async (name) => [...groups.values()].filter((group) => group.name === name),

    async createSecurityGroup({ name }) {
      const letOut = ['IPv4', 'IPv6'].map((etherType) => aRule({ direction: 'egress', etherType, protocol: null }));
      const group: SecurityGroup = { id: randomUUID(), name, projectId: ownProject, rules: letOut };
      groups.set(group.id, group);
      return group;
    },

    async deleteSecurityGroup(groupId) {
      if ([...ports.values()].some((port) => port.securityGroupIds.includes(groupId))) {
        throw fault(409, 'SERVICE_CONFLICT', `Security Group ${groupId} in use.`);
      }
      groups.delete(groupId);
    },

    async createSecurityGroupRule(groupId, rule) {
      const group = find('Security group', groups, groupId);
      const row: SecurityGroupRule = { ...rule, id: randomUUID(), direction: 'ingress' };
      const isSame = (one: SecurityGroupRule) => rowKeys.every((key) => key === 'id' || one[key] === row[key]);
      const rowKeys = Object.keys(row) as (keyof SecurityGroupRule)[];
      if (group.rules.some(isSame)) return;
      groups.set(groupId, { ...group, rules: [...group.rules, row] });
    },

    async deleteSecurityGroupRule(ruleId) {
      for (const group of groups.values()) {
        groups.set(group.id, { ...group, rules: group.rules.filter((rule) => rule.id !== ruleId) });
      }
    },

    async getQosPolicy(policyId) {
      return { id: checkedPolicy(policyId) ?? policyId };
    },
  };

  function bindPort(portId: string, serverId: string): Port {
    const bound = serverId !== '';
    const port: Port = {
      ...find('Port', ports, portId),
      deviceId: serverId,
      deviceOwner: bound ? 'compute:nova' : '',
      status: bound ? 'ACTIVE' : 'DOWN',
    };
    ports.set(portId, port);
    return port;
  }

  return {
    ...withSwitches(service),
    ports: () => [...ports.values()],
    securityGroups: () => [...groups.values()],
    addNetwork: (network, its = []) => {
      networks.set(network.id, network);
      for (const subnet of its) subnets.set(subnet.id, subnet);
    },
    addQosPolicy: (policyId) => {
      qosPolicies.add(policyId);
    },
    makeServerPort: async (networkId, serverId) => {
      const made = await service.createPort({
        name: '',
        networkId,
        projectId: null,
        fixedIps: [],
        deviceId: '',
        deviceOwner: '',
        adminStateUp: true,
        securityGroupIds: null,
        allowedAddressPairs: [],
        qosPolicyId: null,
      });
      return bindPort(made.id, serverId);
    },
    bindPort,
    removePort: (portId) => {
      ports.delete(portId);
    },
    removeNetwork: (networkId) => {
      networks.delete(networkId);
    },
    removeSubnet: (subnetId) => {
      subnets.delete(subnetId);
    },
    removeSecurityGroup: (groupId) => {
      groups.delete(groupId);
    },
    memory: { networks, subnets, groups, ports },
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
    mtu: 1450,
    ...fields,
  };
}

export function aSubnet(fields: Partial<Subnet> = {}): Subnet {
  return {
    id: 'lb-mgmt-net-subnet',
    name: 'lb-mgmt-net-subnet',
    networkId: 'lb-mgmt-net',
    projectId: 'service-project',
    ipVersion: 4,
    cidr: '10.0.0.0/16',
    gatewayIp: null,
    hostRoutes: [],
    ...fields,
  };
}

export function aSecurityGroup(fields: Partial<SecurityGroup> = {}): SecurityGroup {
  return {
    id: 'lb-mgmt-sec-grp',
    name: 'lb-mgmt-sec-grp',
    projectId: 'service-project',
    rules: [aRule({ portRangeMin: 9443, portRangeMax: 9443 })],
    ...fields,
  };
}

function aRule(fields: Partial<SecurityGroupRule>): SecurityGroupRule {
  return {
    id: randomUUID(),
    direction: 'ingress',
    protocol: 'tcp',
    portRangeMin: null,
    portRangeMax: null,
    etherType: 'IPv4',
    remoteIpPrefix: null,
    ...fields,
  };
}

function hex(value: number): string {
  return (value & 255).toString(16).padStart(2, '0');
}
