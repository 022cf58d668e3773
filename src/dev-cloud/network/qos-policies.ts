import { boolean, string } from './attributes.ts';
import { NetworkFault } from './fault.ts';
import { forbidden, requireOwner } from './networks.ts';
import type { Resource } from './resource.ts';
import { type NetworkTables, newRow, type QosPolicyRow, revised } from './rows.ts';

export function qosPolicyNotFound(id: string): NetworkFault {
  return new NetworkFault(404, 'QosPolicyNotFound', `QoS policy ${id} could not be found.`);
}

/** Policies that ports can name. They have no rules: nothing here would slow traffic down. */
export function qosPolicies(tables: NetworkTables): Resource<QosPolicyRow> {
  return {
    name: 'policy',
    collection: 'policies',
    path: '/qos/policies',
    notFound: qosPolicyNotFound,
    all: tables.qosPolicies.all,
    get: tables.qosPolicies.get,
    isVisible: (row, user) => user.isAdmin || row.shared || row.project_id === user.projectId,
    view: (row) => ({
      id: row.id,
      name: row.name,
      shared: row.shared,
      is_default: false,
      rules: [],
      tenant_id: row.project_id,
      description: row.description,
      tags: row.tags,
      created_at: row.created_at,
      updated_at: row.updated_at,
      revision_number: row.revision_number,
      project_id: row.project_id,
    }),
    extraFilters: ['is_default'],
    creatable: ['name', 'description', 'shared'],
    required: ['name'],
    updatable: ['name', 'description', 'shared'],
    create: (attributes, user) => {
      // Neutron's default policy lets administrators alone make them.
      if (!user.isAdmin) throw forbidden('create_policy');
      const row: QosPolicyRow = {
        ...newRow(attributes.project_id),
        name: string(attributes, 'name'),
        description: string(attributes, 'description'),
        tags: [],
        shared: boolean(attributes, 'shared', false),
      };
      tables.qosPolicies.put(row);
      return row;
    },
    update: (row, attributes, user) => {
      requireOwner(row, user, 'update_policy');
      const changed = revised(row, {
        name: string(attributes, 'name', row.name),
        description: string(attributes, 'description', row.description),
        shared: boolean(attributes, 'shared', row.shared),
      });
      tables.qosPolicies.put(changed);
      return changed;
    },
    delete: (row, user) => {
      requireOwner(row, user, 'delete_policy');
      const port = tables.ports.all().find((one) => one.qos_policy_id === row.id);
      if (port) {
        throw new NetworkFault(409, 'QosPolicyInUse', `QoS Policy ${row.id} is used by port ${port.id}.`);
      }
      tables.qosPolicies.delete(row.id);
    },
  };
}
