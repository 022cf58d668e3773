import { randomUUID } from 'node:crypto';
import type { Network, NetworkService, Port, SecurityGroup, Subnet } from '../../ports/network.ts';

/** Where Octavia's noop driver puts VIPs, and its other ports (octavia/network/drivers/noop_driver/driver.py). */
const cidr = '198.51.100.0/24';
const vipAddress = '198.51.100.1';
const portAddress = '198.51.100.56';
const macAddress = '00:00:5e:00:53:05';

/**
 * `network_noop_driver`: asks nobody, and has whatever is asked for. A network, subnet or port that was never made is
 * there all the same; what was made is remembered until it is deleted, in this process alone.
 */
export function createNoopNetwork(): NetworkService {
  const subnets = new Map<string, Subnet>();
  const ports = new Map<string, Port>();
  const groups = new Map<string, SecurityGroup>();
  /** The last network that was asked for: subnets that nobody knows belong to it, as Octavia has it. */
  let currentNetworkId: string = randomUUID();

  function subnetIn(networkId: string, id: string): Subnet {
    const made = { id, name: '', networkId, projectId: '', gatewayIp: null, hostRoutes: [] };
    const subnet: Subnet = { ...made, ipVersion: 4, cidr };
    subnets.set(id, subnet);
    return subnet;
  }
  function subnetOf(id: string): Subnet {
    const subnet = subnets.get(id) ?? subnetIn(currentNetworkId, id);
    currentNetworkId = subnet.networkId;
    return subnet;
  }
  function firstSubnetOf(networkId: string): Subnet {
    for (const subnet of subnets.values()) if (subnet.networkId === networkId) return subnet;
    return subnetIn(networkId, randomUUID());
  }
  function networkOf(id: string): Network {
    currentNetworkId = id;
    const subnetIds = new EverySubnet((subnetId) => subnetIn(id, subnetId));
    subnetIds.push(firstSubnetOf(id).id);
    const made = { id, name: '', projectId: '', adminStateUp: true, status: 'ACTIVE', shared: true, mtu: 1500 };
    return { ...made, subnetIds };
  }
  const portOf = (fields: Partial<Port>): Port => ({
    id: randomUUID(),
    name: '',
    networkId: currentNetworkId,
    projectId: '',
    macAddress,
    adminStateUp: true,
    status: 'ACTIVE',
    deviceId: '',
    deviceOwner: '',
    fixedIps: [],
    securityGroupIds: [],
    allowedAddressPairs: [],
    qosPolicyId: null,
    portSecurityEnabled: true,
    description: '',
    ...fields,
  });
  const unknownPort = (id: string) => {
    const { id: subnetId, networkId } = firstSubnetOf(currentNetworkId);
    return portOf({ id, networkId, fixedIps: [{ subnetId, ipAddress: vipAddress }] });
  };
  const groupOf = (id: string, name = ''): SecurityGroup => ({ id, name, projectId: '', rules: [] });

  return {
    getNetwork: async (id) => networkOf(id),
    getSubnet: async (id) => subnetOf(id),
    listSubnetsOfNetwork: async (id) => [firstSubnetOf(id)],
    freeAddresses: async (id) => new Map([[firstSubnetOf(id).id, Number.POSITIVE_INFINITY]]),
    getPort: async (id) => ports.get(id) ?? unknownPort(id),
    listPortsOfDevice: async (deviceId) => [...ports.values()].filter((port) => port.deviceId === deviceId),
    findPortsByName: async (name) => [...ports.values()].filter((port) => port.name === name),
    findPortsByDescription: async (text) => [...ports.values()].filter(({ description }) => description === text),

    async createPort({ fixedIps, securityGroupIds, projectId, ...asked }) {
      const isVip = asked.deviceId.startsWith('lb-');
      const wanted = fixedIps.length > 0 ? fixedIps : [{ subnetId: null, ipAddress: null }];
      const port = portOf({
        ...asked,
        projectId: projectId ?? '',
        securityGroupIds: securityGroupIds ?? [],
        fixedIps: wanted.map(({ subnetId, ipAddress }) => ({
          subnetId: subnetId ?? firstSubnetOf(asked.networkId).id,
          ipAddress: ipAddress ?? (isVip ? vipAddress : portAddress),
        })),
      });
      ports.set(port.id, port);
      return port;
    },
    async updatePort(id, patch) {
      const { fixedIps, ...rest } = patch;
      const port = ports.get(id) ?? unknownPort(id);
      const addresses = fixedIps?.map((one) => ({ ...one, ipAddress: one.ipAddress ?? portAddress }));
      const changed = { ...port, ...rest, fixedIps: addresses ?? port.fixedIps };
      if (ports.has(id)) ports.set(id, changed);
      return changed;
    },
    async deletePort(id) {
      ports.delete(id);
    },

    getSecurityGroup: async (id) => groups.get(id) ?? groupOf(id),
    findSecurityGroupsByName: async (name) => [...groups.values()].filter((group) => group.name === name),
    async createSecurityGroup({ name }) {
      const group = groupOf(randomUUID(), name);
      groups.set(group.id, group);
      return group;
    },
    async deleteSecurityGroup(id) {
      groups.delete(id);
    },
    // Rules are not even remembered: nothing would be kept out.
    createSecurityGroupRule: async () => {},
    deleteSecurityGroupRule: async () => {},
    getQosPolicy: async (id) => ({ id }),
  };
}

/** A list that has what it is asked for. */
class EverySubnet extends Array<string> {
  readonly #have: (id: string) => void;

  constructor(have: (id: string) => void) {
    super();
    this.#have = have;
  }

  override includes(id: string): boolean {
    this.#have(id);
    return true;
  }

  /** What is made out of it is an ordinary list. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}
