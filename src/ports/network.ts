export interface Network {
  id: string;
  name: string;
  projectId: string;
  adminStateUp: boolean;
  status: string;
  subnetIds: readonly string[];
  shared: boolean;
}

export interface SecurityGroup {
  id: string;
  name: string;
  projectId: string;
  rules: readonly {
    direction: 'ingress' | 'egress';
    protocol: string | null;
    portRangeMin: number | null;
    portRangeMax: number | null;
    etherType: string;
    remoteIpPrefix: string | null;
  }[];
}

/** Neutron: what booting an amphora needs of it. Absent objects are SERVICE_NOT_FOUND. */
export interface NetworkService {
  getNetwork(networkId: string): Promise<Network>;
  getSecurityGroup(securityGroupId: string): Promise<SecurityGroup>;
  /** Ports whose device is this server. */
  listPortsOfDevice(deviceId: string): Promise<{ id: string; networkId: string; ipAddresses: readonly string[] }[]>;
}
