import { parseCidr } from './addresses.ts';
import { boolean, integer, oneOf, string } from './attributes.ts';
import { invalidInput, NetworkFault } from './fault.ts';
import type { Resource } from './resource.ts';
import { type NetworkTables, newRow, revised, type SecurityGroupRow, type SecurityGroupRuleRow } from './rows.ts';

export function securityGroupNotFound(id: string): NetworkFault {
  return new NetworkFault(404, 'SecurityGroupNotFound', `Security group ${id} does not exist`);
}

/** The group `default` of a project, made when it is first needed, as Neutron does. */
export function ensureDefaultGroup(tables: NetworkTables, projectId: string): SecurityGroupRow {
  const found = tables.securityGroups.all().find((row) => row.project_id === projectId && row.name === 'default');
  return found ?? createGroup(tables, projectId, { name: 'default', description: 'Default security group' });
}

/** A group lets everything out; the default group also lets its own members in. */
function createGroup(
  tables: NetworkTables,
  projectId: string,
  values: { name: string; description: string; stateful?: boolean },
): SecurityGroupRow {
  const group: SecurityGroupRow = { ...newRow(projectId), revision_number: 1, tags: [], stateful: true, ...values };
  const directions = values.name === 'default' ? (['egress', 'ingress'] as const) : (['egress'] as const);
  tables.atomically(() => {
    tables.securityGroups.put(group);
    for (const direction of directions) {
      for (const ethertype of ['IPv4', 'IPv6'] as const) {
        const remote_group_id = direction === 'ingress' ? group.id : null;
        tables.securityGroupRules.put({
          ...anyTraffic,
          ...newRow(projectId),
          security_group_id: group.id,
          direction,
          ethertype,
          remote_group_id,
        });
      }
    }
  });
  return group;
}

const anyTraffic = {
  description: null,
  protocol: null,
  port_range_min: null,
  port_range_max: null,
  remote_ip_prefix: null,
};

export function securityGroups(tables: NetworkTables): Resource<SecurityGroupRow> {
  const { view: viewRule } = securityGroupRules(tables);
  return {
    name: 'security_group',
    collection: 'security_groups',
    notFound: securityGroupNotFound,
    all: tables.securityGroups.all,
    get: tables.securityGroups.get,
    isVisible: (row, user) => {
      return user.isAdmin || row.project_id === user.projectId;
    },
    view: (row, user) => ({
      id: row.id,
      name: row.name,
      stateful: row.stateful,
      tenant_id: row.project_id,
      description: row.description,
      shared: false,
      security_group_rules: tables.securityGroupRules
        .all()
        .filter((rule) => rule.security_group_id === row.id)
        .map((rule) => ({ ...viewRule(rule, user), tags: [] })),
      tags: row.tags,
      created_at: row.created_at,
      updated_at: row.updated_at,
      revision_number: row.revision_number,
      project_id: row.project_id,
    }),
    extraFilters: ['shared'],
    creatable: ['name', 'description', 'stateful'],
    required: [],
    updatable: ['name', 'description', 'stateful'],
    create: (attributes) => {
      const name = string(attributes, 'name');
      if (name === 'default') {
        throw new NetworkFault(409, 'SecurityGroupDefaultAlreadyExists', 'Default security group already exists.');
      }
      ensureDefaultGroup(tables, attributes.project_id);
      const description = string(attributes, 'description');
      return createGroup(tables, attributes.project_id, {
        name,
        description,
        stateful: boolean(attributes, 'stateful', true),
      });
    },
    update: (row, attributes) => {
      if (row.name === 'default' && attributes.name !== undefined) {
        throw new NetworkFault(409, 'SecurityGroupCannotUpdateDefault', 'Updating default security group not allowed.');
      }
      const changed = revised(row, {
        name: string(attributes, 'name', row.name),
        description: string(attributes, 'description', row.description),
        stateful: boolean(attributes, 'stateful', row.stateful),
      });
      tables.securityGroups.put(changed);
      return changed;
    },
    delete: (row, user) => {
      if (row.name === 'default' && !user.isAdmin) {
        const message = 'Insufficient rights for removing default security group.';
        throw new NetworkFault(409, 'SecurityGroupCannotRemoveDefault', message);
      }
      if (tables.ports.all().some((port) => port.security_groups.includes(row.id))) {
        throw new NetworkFault(409, 'SecurityGroupInUse', `Security Group ${row.id} in use.`);
      }
      tables.atomically(() => {
        for (const rule of tables.securityGroupRules.all()) {
          if (rule.security_group_id === row.id) tables.securityGroupRules.delete(rule.id);
        }
        tables.securityGroups.delete(row.id);
      });
    },
  };
}

/** Protocols whose rules may have ports. */
const withPorts = ['tcp', 'udp', 'sctp', 'dccp', 'udplite', '6', '17', '33', '132', '136'];
const protocols = /^(\d{1,3}|[a-z][a-z0-9-]*)$/;

export function securityGroupRules(tables: NetworkTables): Resource<SecurityGroupRuleRow> {
  return {
    name: 'security_group_rule',
    collection: 'security_group_rules',
    notFound: (id) => new NetworkFault(404, 'SecurityGroupRuleNotFound', `Security group rule ${id} does not exist`),
    all: tables.securityGroupRules.all,
    get: tables.securityGroupRules.get,
    isVisible: (row, user) => user.isAdmin || row.project_id === user.projectId,
    view: (row) => ({
      id: row.id,
      tenant_id: row.project_id,
      security_group_id: row.security_group_id,
      ethertype: row.ethertype,
      direction: row.direction,
      protocol: row.protocol,
      port_range_min: row.port_range_min,
      port_range_max: row.port_range_max,
      remote_ip_prefix: row.remote_ip_prefix,
      normalized_cidr: row.remote_ip_prefix,
      remote_address_group_id: null,
      remote_group_id: row.remote_group_id,
      description: row.description,
      created_at: row.created_at,
      updated_at: row.updated_at,
      revision_number: row.revision_number,
      project_id: row.project_id,
    }),
    creatable: [
      ...['security_group_id', 'direction', 'ethertype', 'protocol', 'port_range_min', 'port_range_max'],
      ...['remote_ip_prefix', 'remote_group_id', 'description'],
    ],
    required: ['security_group_id', 'direction'],
    updatable: ['description'],
    create: (attributes, user) => {
      const groupId = string(attributes, 'security_group_id');
      const group = tables.securityGroups.get(groupId);
      if (!group || (!user.isAdmin && group.project_id !== user.projectId)) throw securityGroupNotFound(groupId);
      const protocol = protocolOf(attributes.protocol);
      const isIcmp = protocol !== null && /icmp|^1$|^58$/.test(protocol);
      const [minimum, maximum] = isIcmp ? [0, 255] : [1, 65_535];
      const row: SecurityGroupRuleRow = {
        ...newRow(attributes.project_id),
        description: string(attributes, 'description'),
        security_group_id: groupId,
        direction: oneOf(attributes, 'direction', ['ingress', 'egress']),
        ethertype: oneOf(attributes, 'ethertype', ['IPv4', 'IPv6'], 'IPv4'),
        protocol,
        port_range_min: integer(attributes, 'port_range_min', minimum, maximum),
        port_range_max: integer(attributes, 'port_range_max', minimum, maximum),
        remote_ip_prefix: (attributes.remote_ip_prefix as string | null | undefined) ?? null,
        remote_group_id: (attributes.remote_group_id as string | null | undefined) ?? null,
      };
      checkRule(row, isIcmp);
      const same = tables.securityGroupRules.all().find((other) => ruleKey(other) === ruleKey(row));
      if (same) {
        const message = `Security group rule already exists. Rule id is ${same.id}.`;
        throw new NetworkFault(409, 'SecurityGroupRuleExists', message);
      }
      tables.securityGroupRules.put(row);
      return row;
    },
    update: (row, attributes) => {
      const changed = revised(row, { description: string(attributes, 'description', row.description ?? '') });
      tables.securityGroupRules.put(changed);
      return changed;
    },
    delete: (row) => tables.securityGroupRules.delete(row.id),
  };
}

function protocolOf(value: unknown): string | null {
  if (value === null || value === undefined || value === '' || value === 'any') return null;
  const protocol = String(value).toLowerCase();
  if (!protocols.test(protocol) || Number(protocol) > 255) {
    const message = `Security group rule protocol ${protocol} not supported. Only protocol values and integer representations [0 to 255] are supported.`;
    throw new NetworkFault(400, 'SecurityGroupRuleInvalidProtocol', message);
  }
  return protocol;
}

function checkRule(row: SecurityGroupRuleRow, isIcmp: boolean): void {
  const { port_range_min: from, port_range_max: to, remote_ip_prefix: prefix } = row;
  if ((from !== null || to !== null) && row.protocol === null) {
    throw new NetworkFault(
      400,
      'SecurityGroupProtocolRequiredWithPorts',
      'Must also specify protocol if port range is given.',
    );
  }
  if (!isIcmp && row.protocol !== null && (from !== null || to !== null)) {
    if (!withPorts.includes(row.protocol)) {
      const message = `Ports cannot be specified for protocol ${row.protocol}. Ports are only supported for ${withPorts.slice(0, 5).join(', ')}.`;
      throw new NetworkFault(400, 'SecurityGroupInvalidProtocolForPort', message);
    }
    if (from === null || to === null || from > to) {
      const message = 'For TCP/UDP protocols, port_range_min must be <= port_range_max';
      throw new NetworkFault(400, 'SecurityGroupInvalidPortRange', message);
    }
  }
  if (prefix !== null && row.remote_group_id !== null) {
    const message = 'Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.';
    throw new NetworkFault(400, 'SecurityGroupMultipleRemoteEntites', message);
  }
  const version = prefix === null ? null : parseCidr(prefix.includes('/') ? prefix : `${prefix}/32`)?.version;
  if (prefix !== null && row.ethertype === 'IPv4' && version !== 4) {
    throw invalidInput(`Invalid input for remote_ip_prefix. Reason: '${prefix}' is not a valid CIDR`);
  }
}

function ruleKey(row: SecurityGroupRuleRow): string {
  return JSON.stringify([
    ...[row.security_group_id, row.direction, row.ethertype, row.protocol, row.port_range_min, row.port_range_max],
    ...[row.remote_ip_prefix, row.remote_group_id],
  ]);
}
