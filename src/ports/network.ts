import type { NewSecurityGroupRule, SecurityGroupRule } from '../model/network.ts';

export type { NewSecurityGroupRule, SecurityGroupRule } from '../model/network.ts';

/** A network as Neutron has it, as far as amphorae and VIPs need it. */
export interface Network {
  id: string;
  name: string;
  projectId: string;
  adminStateUp: boolean;
  status: string;
  subnetIds: readonly string[];
  shared: boolean;
  mtu: number;
}

export interface Subnet {
  id: string;
  name: string;
  networkId: string;
  projectId: string;
  ipVersion: 4 | 6;
  cidr: string;
  gatewayIp: string | null;
  hostRoutes: readonly { destination: string; nexthop: string }[];
}

export interface SecurityGroup {
  id: string;
  name: string;
  projectId: string;
  rules: readonly SecurityGroupRule[];
}

export interface FixedIp {
  subnetId: string;
  ipAddress: string;
}

export interface Port {
  id: string;
  name: string;
  networkId: string;
  projectId: string;
  macAddress: string;
  adminStateUp: boolean;
  status: string;
  deviceId: string;
  deviceOwner: string;
  fixedIps: readonly FixedIp[];
  securityGroupIds: readonly string[];
  /** Further addresses that the port may use: a VIP on the port of an amphora. */
  allowedAddressPairs: readonly { ipAddress: string }[];
  qosPolicyId: string | null;
  portSecurityEnabled: boolean;
  description: string;
}

export interface NewPort {
  /** Unique to its purpose, so that one whose creation was never answered is found again. */
  name: string;
  networkId: string;
  /** Null: the project that Kiln authenticates as. */
  projectId: string | null;
  /** Empty: an address of Neutron's choice; null fields as well. */
  fixedIps: readonly { subnetId: string | null; ipAddress: string | null }[];
  deviceId: string;
  deviceOwner: string;
  adminStateUp: boolean;
  /** Null: the project's default group. */
  securityGroupIds: readonly string[] | null;
  allowedAddressPairs: readonly { ipAddress: string }[];
  qosPolicyId: string | null;
  /** Whose it is: by this it is found whatever becomes of its device. (Tags are not set with the port everywhere.) */
  description?: string;
}

export type PortPatch = Partial<
  Pick<Port, 'name' | 'adminStateUp' | 'deviceId' | 'deviceOwner' | 'allowedAddressPairs' | 'qosPolicyId'>
> & {
  securityGroupIds?: readonly string[];
  /** All that it shall have. A null address: one of Neutron's choice in that subnet. */
  fixedIps?: readonly { subnetId: string; ipAddress: string | null }[];
};

/**
 * Neutron. Absent objects are SERVICE_NOT_FOUND; what names something wrong (a subnet of another network, an address
 * outside) is SERVICE_REJECTED_REQUEST; an address or a name in use SERVICE_CONFLICT, not retryable; a quota SERVICE_LIMIT.
 */
export interface NetworkService {
  getNetwork(networkId: string): Promise<Network>;
  getSubnet(subnetId: string): Promise<Subnet>;
  /** In the order of Neutron's list. */
  listSubnetsOfNetwork(networkId: string): Promise<Subnet[]>;
  /**
   * Subnet ID → addresses that are free to be given out. With Kiln's own rights: Neutron tells administrators alone.
   * SERVICE_NOT_FOUND when there is no such network, or Neutron does not count.
   */
  freeAddresses(networkId: string): Promise<ReadonlyMap<string, number>>;
  getPort(portId: string): Promise<Port>;
  /** Ports whose device is this one. */
  listPortsOfDevice(deviceId: string): Promise<Port[]>;
  /** Exactly this name, of any project that Kiln sees. */
  findPortsByName(name: string): Promise<Port[]>;
  /** Exactly this description, of any project that Kiln sees. */
  findPortsByDescription(description: string): Promise<Port[]>;
  /**
   * Makes one port or none: when the answer is lost, the port is looked for by its name, and the request is sent again
   * only when it is not there. Who may have been killed in between looks by `findPortsByName` first.
   */
  createPort(port: NewPort): Promise<Port>;
  updatePort(portId: string, patch: PortPatch): Promise<Port>;
  /** Idempotent: a port that is gone is success. */
  deletePort(portId: string): Promise<void>;
  getSecurityGroup(securityGroupId: string): Promise<SecurityGroup>;
  findSecurityGroupsByName(name: string): Promise<SecurityGroup[]>;
  /** Names are not unique in Neutron: look by name first. */
  createSecurityGroup(group: { name: string; description: string }): Promise<SecurityGroup>;
  /** Idempotent: a group that is gone is success. SERVICE_CONFLICT (retryable) while a port uses it. */
  deleteSecurityGroup(securityGroupId: string): Promise<void>;
  /** Ingress. Idempotent: a rule that is there already is success. */
  createSecurityGroupRule(securityGroupId: string, rule: NewSecurityGroupRule): Promise<void>;
  /** Idempotent. */
  deleteSecurityGroupRule(ruleId: string): Promise<void>;
  /** SERVICE_NOT_FOUND when there is none, or Neutron has no QoS. */
  getQosPolicy(policyId: string): Promise<{ id: string }>;
}
