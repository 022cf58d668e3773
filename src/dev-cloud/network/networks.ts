import { randomInt } from 'node:crypto';
import { boolean, integer, list, string } from './attributes.ts';
import { NetworkFault } from './fault.ts';
import type { Resource } from './resource.ts';
import { type NetworkRow, type NetworkTables, newRow, revised } from './rows.ts';

/** What encapsulation leaves of 1,500 bytes: Neutron's default for VXLAN. */
export const defaultMtu = 1450;

export function networkNotFound(id: string): NetworkFault {
  return new NetworkFault(404, 'NetworkNotFound', `Network ${id} could not be found.`);
}

export function networks(tables: NetworkTables): Resource<NetworkRow> {
  return {
    name: 'network',
    collection: 'networks',
    notFound: networkNotFound,
    all: tables.networks.all,
    get: tables.networks.get,
    isVisible: (row, user) => user.isAdmin || row.shared || row.project_id === user.projectId,
    view: (row, user) => ({
      id: row.id,
      name: row.name,
      tenant_id: row.project_id,
      admin_state_up: row.admin_state_up,
      mtu: row.mtu,
      status: row.admin_state_up ? 'ACTIVE' : 'DOWN',
      subnets: tables.subnets
        .all()
        .filter((subnet) => subnet.network_id === row.id)
        .map((subnet) => subnet.id),
      shared: row.shared,
      availability_zone_hints: row.availability_zone_hints,
      availability_zones: [],
      ipv4_address_scope: null,
      ipv6_address_scope: null,
      'router:external': row['router:external'],
      description: row.description,
      port_security_enabled: row.port_security_enabled,
      tags: row.tags,
      created_at: row.created_at,
      updated_at: row.updated_at,
      revision_number: row.revision_number,
      project_id: row.project_id,
      ...(user.isAdmin
        ? {
            'provider:network_type': 'vxlan',
            'provider:physical_network': null,
            'provider:segmentation_id': row.segmentation_id,
          }
        : {}),
    }),
    createdOnly: { is_default: false },
    extraFilters: ['is_default', 'provider:network_type', 'provider:physical_network', 'provider:segmentation_id'],
    creatable: [
      ...['name', 'description', 'admin_state_up', 'shared', 'router:external', 'port_security_enabled', 'mtu'],
      ...['availability_zone_hints', 'is_default'],
    ],
    required: [],
    updatable: ['name', 'description', 'admin_state_up', 'shared', 'router:external', 'port_security_enabled', 'mtu'],
    create: (attributes, user) => {
      if (attributes.shared && !user.isAdmin) throw forbidden('create_network:shared');
      if (attributes['router:external'] && !user.isAdmin) throw forbidden('create_network:router:external');
      const [zone] = list<string>(attributes, 'availability_zone_hints');
      if (zone !== undefined) {
        throw new NetworkFault(404, 'AvailabilityZoneNotFound', `AvailabilityZone ${zone} could not be found.`);
      }
      const row: NetworkRow = {
        ...newRow(attributes.project_id),
        name: string(attributes, 'name'),
        description: string(attributes, 'description'),
        tags: [],
        admin_state_up: boolean(attributes, 'admin_state_up', true),
        shared: boolean(attributes, 'shared', false),
        'router:external': boolean(attributes, 'router:external', false),
        port_security_enabled: boolean(attributes, 'port_security_enabled', true),
        mtu: integer(attributes, 'mtu', 68, 65_535) ?? defaultMtu,
        availability_zone_hints: list(attributes, 'availability_zone_hints'),
        segmentation_id: randomInt(1, 2 ** 12),
      };
      tables.networks.put(row);
      return row;
    },
    update: (row, attributes, user) => {
      requireOwner(row, user, 'update_network');
      if (attributes.shared !== undefined && !user.isAdmin) throw forbidden('update_network:shared');
      const changed = revised(row, {
        name: string(attributes, 'name', row.name),
        description: string(attributes, 'description', row.description),
        admin_state_up: boolean(attributes, 'admin_state_up', row.admin_state_up),
        shared: boolean(attributes, 'shared', row.shared),
        'router:external': boolean(attributes, 'router:external', row['router:external']),
        port_security_enabled: boolean(attributes, 'port_security_enabled', row.port_security_enabled),
        mtu: integer(attributes, 'mtu', 68, 65_535) ?? row.mtu,
      });
      tables.networks.put(changed);
      return changed;
    },
    delete: (row, user) => {
      requireOwner(row, user, 'delete_network');
      if (tables.ports.all().some((port) => port.network_id === row.id)) {
        const reason = 'There are one or more ports still in use on the network';
        throw new NetworkFault(409, 'NetworkInUse', `Unable to complete operation on network ${row.id}. ${reason}.`);
      }
      tables.atomically(() => {
        for (const subnet of tables.subnets.all()) if (subnet.network_id === row.id) tables.subnets.delete(subnet.id);
        tables.networks.delete(row.id);
      });
    },
  };
}

export function forbidden(action: string): NetworkFault {
  return new NetworkFault(403, 'PolicyNotAuthorized', `(rule:${action}) is disallowed by policy`);
}

/** One may see what one may not change: a shared network of somebody else's. */
export function requireOwner(
  row: { project_id: string },
  user: { projectId: string; isAdmin: boolean },
  action: string,
): void {
  if (!user.isAdmin && row.project_id !== user.projectId) throw forbidden(action);
}
