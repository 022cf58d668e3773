import { createHash } from 'node:crypto';
import { versionOf } from '../network/addresses.ts';
import { hostName, type ServerPort } from '../network/facade.ts';
import { bookmark, type Call, type Compute, selfLinks } from './compute.ts';
import { embeddedFlavor } from './flavors.ts';
import type { ServerRow } from './rows.ts';

/** Nova's one word for a server (nova/api/openstack/common.py). */
export function serverStatus(row: ServerRow): string {
  if (row.vmState === 'active') return row.taskState === 'reboot_started' ? 'REBOOT' : 'ACTIVE';
  return { building: 'BUILD', stopped: 'SHUTOFF', error: 'ERROR' }[row.vmState];
}

const powerStates = { building: 0, active: 1, stopped: 4, error: 0 };

export function basicServer(compute: Compute, row: ServerRow) {
  return { id: row.id, name: row.name, links: selfLinks(compute, 'servers', row.id) };
}

/**
 * A server as Nova shows it in a microversion. Which field came when: nova/api/openstack/compute/views/servers.py.
 * @param inList the list leaves the server groups out.
 */
export function detailedServer(compute: Compute, row: ServerRow, { user, minor }: Call, inList: boolean) {
  const ports = portsInOrder(compute, row);
  const status = serverStatus(row);
  const groups = [...new Set(ports.flatMap((port) => port.securityGroupNames))];
  return {
    id: row.id,
    name: row.name,
    status,
    tenant_id: row.projectId,
    user_id: row.userId,
    metadata: row.metadata,
    hostId: row.vmState === 'building' ? '' : hostId(row.projectId),
    image: { id: row.imageId, links: [bookmark(compute, 'images', row.imageId)] },
    flavor:
      minor >= 47
        ? embeddedFlavor(row.flavor)
        : { id: row.flavor.id, links: [bookmark(compute, 'flavors', row.flavor.id)] },
    created: row.createdAt,
    updated: row.updatedAt,
    addresses: addressesOf(ports),
    accessIPv4: '',
    accessIPv6: '',
    links: selfLinks(compute, 'servers', row.id),
    'OS-DCF:diskConfig': 'MANUAL',
    ...(status === 'ACTIVE' || status === 'BUILD' ? { progress: 0 } : {}),
    ...(status === 'ERROR' && row.fault ? { fault: faultOf(row.fault, user.isAdmin) } : {}),
    'OS-EXT-AZ:availability_zone': row.vmState === 'building' ? '' : row.availabilityZone,
    config_drive: row.configDrive ? 'True' : '',
    key_name: row.keyName,
    'OS-SRV-USG:launched_at': row.launchedAt === null ? null : row.launchedAt.replace('Z', '.000000'),
    'OS-SRV-USG:terminated_at': null,
    ...(groups.length > 0 ? { security_groups: groups.map((name) => ({ name })) } : {}),
    ...(user.isAdmin
      ? administratorsView(row, minor)
      : minor >= 90
        ? { 'OS-EXT-SRV-ATTR:hostname': row.hostname }
        : {}),
    'OS-EXT-STS:task_state': row.taskState,
    'OS-EXT-STS:vm_state': row.vmState,
    'OS-EXT-STS:power_state': powerStates[row.vmState],
    'os-extended-volumes:volumes_attached': [],
    ...(minor >= 9 ? { locked: false } : {}),
    ...(minor >= 16 && user.isAdmin ? { host_status: row.vmState === 'building' ? '' : 'UP' } : {}),
    ...(minor >= 19 ? { description: row.description } : {}),
    ...(minor >= 26 ? { tags: row.tags } : {}),
    ...(minor >= 63 ? { trusted_image_certificates: null } : {}),
    ...(minor >= 71 && !inList ? { server_groups: row.serverGroupId === null ? [] : [row.serverGroupId] } : {}),
    ...(minor >= 73 ? { locked_reason: null } : {}),
  };
}

function administratorsView(row: ServerRow, minor: number) {
  const host = row.vmState === 'building' ? null : hostName;
  const prefix = 'OS-EXT-SRV-ATTR:';
  return {
    [`${prefix}host`]: host,
    [`${prefix}instance_name`]: `instance-${row.number.toString(16).padStart(8, '0')}`,
    [`${prefix}hypervisor_hostname`]: host,
    ...(minor >= 3
      ? {
          [`${prefix}reservation_id`]: row.reservationId,
          [`${prefix}launch_index`]: row.launchIndex,
          [`${prefix}hostname`]: row.hostname,
          [`${prefix}kernel_id`]: '',
          [`${prefix}ramdisk_id`]: '',
          [`${prefix}root_device_name`]: '/dev/vda',
          [`${prefix}user_data`]: row.userData,
        }
      : {}),
  };
}

/** Details of an inner fault are the administrator's. */
function faultOf(fault: NonNullable<ServerRow['fault']>, isAdmin: boolean) {
  const { code, message, details, createdAt } = fault;
  return { code, created: createdAt, message, ...(isAdmin || code !== 500 ? { details } : {}) };
}

/** Names the machine without telling which: each project sees another ID. */
function hostId(projectId: string): string {
  return createHash('sha224').update(`${projectId}${hostName}`).digest('hex');
}

function portsInOrder(compute: Compute, row: ServerRow): ServerPort[] {
  const ports = compute.network.portsOfServer(row.id);
  return ports.toSorted((a, b) => row.portIds.indexOf(a.id) - row.portIds.indexOf(b.id));
}

function addressesOf(ports: readonly ServerPort[]) {
  const addresses: Record<string, unknown[]> = {};
  for (const port of ports) {
    const list = addresses[port.networkName] ?? [];
    addresses[port.networkName] = list;
    for (const { ip_address: addr } of port.fixedIps) {
      list.push({
        version: versionOf(addr) ?? 4,
        addr,
        'OS-EXT-IPS:type': 'fixed',
        'OS-EXT-IPS-MAC:mac_addr': port.macAddress,
      });
    }
  }
  return addresses;
}
