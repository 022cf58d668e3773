import { createHash } from 'node:crypto';
import type { CloudContext, CloudUser } from '../context.ts';
import { networks } from './networks.ts';
import { type NetworkTables, networkTables } from './rows.ts';
import { securityGroupRules, securityGroups } from './security-groups.ts';
import { subnets } from './subnets.ts';

/** Who owns the networks of a new cloud. */
export interface SeededProjects {
  /** That amphorae are booted in. */
  service: string;
  /** Of the tenant, who has load balancers. */
  tenant: string;
}

/**
 * Gives a new cloud what amphorae are managed through, with the names that Octavia's own guides use: the network
 * `lb-mgmt-net` with one subnet, and the security group `lb-mgmt-sec-grp`; and, to clouds from before that as well, the
 * network `lb-vip-net`, which everybody may take VIPs from. What was made once and deleted since stays away.
 */
export function seedNetwork(context: CloudContext, projects: SeededProjects): void {
  const tables = networkTables(context.state);
  const seeds = context.state.table('network-seeds');
  if (tables.networks.all().length === 0) seedManagement(context, tables, projects.service);
  if (seeds.get('lb-vip-net')) return;
  tables.atomically(() => {
    seedVips(context, tables, projects.tenant);
    seeds.put({ id: 'lb-vip-net' });
  });
}

function seedManagement(context: CloudContext, tables: NetworkTables, projectId: string): void {
  const owner = administrator(projectId);
  tables.atomically(() => {
    const network = networks(tables).create({ project_id: projectId, name: 'lb-mgmt-net' }, owner);
    const cidr = managementCidr(context.stateDirectory);
    subnets(tables, 'loopback').create(
      { project_id: projectId, name: 'lb-mgmt-subnet', network_id: network.id, ip_version: 4, cidr, gateway_ip: null },
      owner,
    );
    const group = securityGroups(tables).create({ project_id: projectId, name: 'lb-mgmt-sec-grp' }, owner);
    const allow = (rule: Record<string, unknown>) =>
      securityGroupRules(tables).create(
        { project_id: projectId, security_group_id: group.id, direction: 'ingress', ...rule },
        owner,
      );
    allow({ protocol: 'tcp', port_range_min: 9443, port_range_max: 9443 });
    allow({ protocol: 'icmp' });
  });
}

function seedVips(context: CloudContext, tables: NetworkTables, projectId: string): void {
  const owner = administrator(projectId);
  const network = networks(tables).create({ project_id: projectId, name: 'lb-vip-net', shared: true }, owner);
  const cidr = vipCidr(context.stateDirectory);
  subnets(tables, 'loopback').create(
    { project_id: projectId, name: 'lb-vip-subnet', network_id: network.id, ip_version: 4, cidr, gateway_ip: null },
    owner,
  );
}

function administrator(projectId: string): CloudUser {
  return { userId: 'seed', userName: 'seed', projectId, projectName: 'seed', roles: ['admin'], isAdmin: true };
}

/**
 * 127.N.0.0/16: all of 127.0.0.0/8 is local on Linux, so that each server has an address of its own with nothing set
 * up. N, from 64 to 191, comes from the state folder's name: two clouds on one machine rarely share it.
 */
function managementCidr(stateDirectory: string): string {
  return `127.${64 + (byteOf(stateDirectory, 0) % 128)}.0.0/16`;
}

/** The same for VIPs, which really answer as well: N is from 192 to 253, and never that of a management network. */
function vipCidr(stateDirectory: string): string {
  return `127.${192 + (byteOf(stateDirectory, 1) % 62)}.0.0/16`;
}

function byteOf(text: string, index: number): number {
  return createHash('sha256').update(text).digest()[index] ?? 0;
}
