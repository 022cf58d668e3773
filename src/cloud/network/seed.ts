import { createHash } from 'node:crypto';
import type { CloudContext, CloudUser } from '../context.ts';
import { networks } from './networks.ts';
import { networkTables } from './rows.ts';
import { securityGroupRules, securityGroups } from './security-groups.ts';
import { subnets } from './subnets.ts';

/**
 * Gives a new cloud what amphorae are managed through, with the names that Octavia's own guides use: the network
 * `lb-mgmt-net` with one subnet, and the security group `lb-mgmt-sec-grp`. Leaves a cloud that has networks alone.
 * @param projectId the owner: the project that amphorae are booted in.
 */
export function seedNetwork(context: CloudContext, projectId: string): void {
  const tables = networkTables(context.state);
  if (tables.networks.all().length > 0) return;
  const owner: CloudUser = {
    userId: 'seed',
    userName: 'seed',
    projectId,
    projectName: 'service',
    roles: ['admin'],
    isAdmin: true,
  };
  tables.atomically(() => {
    const network = networks(tables).create({ project_id: projectId, name: 'lb-mgmt-net' }, owner);
    const cidr = managementCidr(context.stateDirectory);
    subnets(tables).create(
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

/**
 * 127.N.0.0/16: all of 127.0.0.0/8 is local on Linux, so that each server has an address of its own with nothing set
 * up. N, from 64 to 191, comes from the state folder's name: two clouds on one machine rarely share it.
 */
function managementCidr(stateDirectory: string): string {
  const byte = createHash('sha256').update(stateDirectory).digest()[0] ?? 0;
  return `127.${64 + (byte % 128)}.0.0/16`;
}
