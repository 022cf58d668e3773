import { randomUUID } from 'node:crypto';
import type { NetworkService, Port, SecurityGroup, Subnet } from '../../ports/network.ts';

/** Where Octavia's noop driver puts VIPs (octavia/network/drivers/noop_driver/driver.py). */
const cidr = '198.51.100.0/24';
const vipAddress = '198.51.100.1';

/** `network_noop_driver`: every network, subnet and port that is asked for is there, and nothing is remembered. */
export function createNoopNetwork(): NetworkService {
  const nothing = async () => {};
  const subnet = (id: string): Subnet => ({
    id,
    name: '',
    networkId: id,
    projectId: '',
    ipVersion: 4,
    cidr,
    gatewayIp: null,
    hostRoutes: [],
  });
  const group = (id: string): SecurityGroup => ({ id, name: '', projectId: '', rules: [] });
  const port = (fields: Partial<Port>): Port => ({
    id: randomUUID(),
    name: '',
    networkId: randomUUID(),
    projectId: '',
    macAddress: '00:00:00:00:00:00',
    adminStateUp: true,
    status: 'ACTIVE',
    deviceId: '',
    deviceOwner: '',
    fixedIps: [{ subnetId: randomUUID(), ipAddress: vipAddress }],
    securityGroupIds: [],
    allowedAddressPairs: [],
    qosPolicyId: null,
    portSecurityEnabled: true,
    ...fields,
  });
  return {
    getNetwork: async (id) => ({
      id,
      name: '',
      projectId: '',
      adminStateUp: true,
      status: 'ACTIVE',
      subnetIds: [id],
      shared: true,
      mtu: 1500,
    }),
    getSubnet: async (id) => subnet(id),
    listSubnetsOfNetwork: async (id) => [subnet(id)],
    getPort: async (id) => port({ id }),
    listPortsOfDevice: async () => [],
    findPortsByName: async () => [],
    createPort: async ({ fixedIps, securityGroupIds, projectId, ...asked }) =>
      port({
        ...asked,
        projectId: projectId ?? '',
        securityGroupIds: securityGroupIds ?? [],
        fixedIps: (fixedIps.length > 0 ? fixedIps : [{ subnetId: null, ipAddress: null }]).map((fixedIp) => ({
          subnetId: fixedIp.subnetId ?? randomUUID(),
          ipAddress: fixedIp.ipAddress ?? vipAddress,
        })),
      }),
    updatePort: async (id, { securityGroupIds, ...patch }) =>
      port({ id, ...patch, ...(securityGroupIds ? { securityGroupIds: [...securityGroupIds] } : {}) }),
    deletePort: nothing,
    getSecurityGroup: async (id) => group(id),
    findSecurityGroupsByName: async () => [],
    createSecurityGroup: async () => group(randomUUID()),
    deleteSecurityGroup: nothing,
    createSecurityGroupRule: nothing,
    deleteSecurityGroupRule: nothing,
    getQosPolicy: async (id) => ({ id }),
  };
}
