import { randomUUID } from 'node:crypto';
import type { CloudState, Table } from '../state.ts';
import { indexPorts, type PortTable } from './port-table.ts';

/** Rows carry Neutron's own field names, as its answers do; what is derived (subnets, rules) is added when shown. */
interface Common {
  id: string;
  name: string;
  project_id: string;
  description: string;
  tags: string[];
  created_at: string;
  updated_at: string;
  revision_number: number;
}

export interface NetworkRow extends Common {
  admin_state_up: boolean;
  shared: boolean;
  'router:external': boolean;
  port_security_enabled: boolean;
  mtu: number;
  availability_zone_hints: string[];
  segmentation_id: number;
}

export interface SubnetRow extends Common {
  network_id: string;
  cidr: string;
  gateway_ip: string | null;
  allocation_pools: { start: string; end: string }[];
  enable_dhcp: boolean;
  dns_nameservers: string[];
  host_routes: unknown[];
}

export interface FixedIp {
  subnet_id: string;
  ip_address: string;
}

export interface PortRow extends Common {
  network_id: string;
  mac_address: string;
  admin_state_up: boolean;
  device_id: string;
  device_owner: string;
  fixed_ips: FixedIp[];
  /** Some of older clouds have no hardware address: then it is the port's own. */
  allowed_address_pairs: { ip_address: string; mac_address?: string }[];
  security_groups: string[];
  port_security_enabled: boolean;
  vnic_type: string;
  host_id: string;
  /** Missing in rows of clouds from before QoS. */
  qos_policy_id?: string | null;
}

export interface QosPolicyRow extends Common {
  shared: boolean;
}

export interface SecurityGroupRow extends Common {
  stateful: boolean;
}

export interface SecurityGroupRuleRow extends Omit<Common, 'name' | 'tags' | 'description'> {
  /** Null for the rules that a group is made with. */
  description: string | null;
  security_group_id: string;
  direction: 'ingress' | 'egress';
  ethertype: 'IPv4' | 'IPv6';
  protocol: string | null;
  port_range_min: number | null;
  port_range_max: number | null;
  remote_ip_prefix: string | null;
  remote_group_id: string | null;
}

export interface NetworkTables {
  networks: Table<NetworkRow>;
  subnets: Table<SubnetRow>;
  ports: PortTable<PortRow>;
  qosPolicies: Table<QosPolicyRow>;
  securityGroups: Table<SecurityGroupRow>;
  securityGroupRules: Table<SecurityGroupRuleRow>;
  /** Runs several writes as one. */
  atomically: CloudState['atomically'];
}

export function networkTables(state: CloudState): NetworkTables {
  return {
    networks: state.table('networks'),
    subnets: state.table('subnets'),
    ports: indexPorts(state.table('ports')),
    qosPolicies: state.table('qos-policies'),
    securityGroups: state.table('security-groups'),
    securityGroupRules: state.table('security-group-rules'),
    atomically: (work) => state.atomically(work),
  };
}

/** What every new row has. Neutron writes whole seconds. */
export function newRow(projectId: string) {
  const now = timestamp();
  return { id: randomUUID(), project_id: projectId, created_at: now, updated_at: now, revision_number: 0 };
}

/** The row with the changes, one revision later. */
export function revised<Row extends { updated_at: string; revision_number: number }>(
  row: Row,
  changes: Partial<Row>,
): Row {
  return { ...row, ...changes, updated_at: timestamp(), revision_number: row.revision_number + 1 };
}

function timestamp(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}
