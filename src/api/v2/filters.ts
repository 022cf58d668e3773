import { rolesWith, statusesWithBusyCertificate } from '../../core/lbaas/vrrp.ts';
import { snakeCase } from '../../lib/snake-case.ts';
import type { ResourceKind } from '../../model/load-balancer.ts';
import { operationStatuses, unendedStatuses } from '../../model/operation.ts';
import { type FieldBase, type FieldType, resourceFields } from '../../model/resource-fields.ts';
import { inUse } from '../../ports/quota-store.ts';

/** What a list may be filtered and sorted by: the field in the model (see ListQuery), and how to read a value. */
export interface Filterable {
  field: string;
  /** A list is written with commas, an object as JSON; both are compared whole. */
  type: 'text' | 'integer' | 'number' | 'flag' | 'list' | 'object';
  /** Of a field that follows from another one: the values there that give this value here. */
  from?: (value: FilterValue) => readonly FilterValue[];
  /** What is in no column: lists find by it and are not sorted by it. */
  isNoField?: true;
}
export type FilterValue = string | number | boolean;

const text = (field: string): Filterable => ({ field, type: 'text' });
const integer = (field: string): Filterable => ({ field, type: 'integer' });
const flag = (field: string): Filterable => ({ field, type: 'flag' });
const inUseOf = (kind: ResourceKind): Filterable => ({ field: inUse(kind), type: 'integer', isNoField: true });
const list = (field: string): Filterable => ({ field, type: 'list' });

/** Statuses of operations that have ended, or of those that have not. */
const statusesWithEnd = (ended: FilterValue) =>
  operationStatuses.filter((status) => unendedStatuses.includes(status) !== ended);

/** What a list of something may be asked for. */
export interface ListFields {
  /** By the names of the API; the project and tags are not among them, for they are more than filters. */
  filters: Readonly<Record<string, Filterable>>;
  /** Whether it belongs to projects, so that one may ask for one project's. */
  ofProjects: boolean;
  /** The project is that of something else: lists find by it and are not sorted by it. */
  isProjectElsewhere?: true;
  /** Fields of the model that a list is in the order of where nothing else is asked for, and behind what is. */
  order: readonly string[];
}

const filterTypes = { string: 'text', number: 'integer', decimal: 'number', boolean: 'flag' } as const;
/** The project is more than a filter, the policy of a rule has another name, and the last one is in no answer. */
const unlisted = ['projectId', 'l7PolicyId', 'vipOctaviaOwned'];

/**
 * A resource's fields under their names in the API. Lists and objects are filtered by only where that is said.
 * @param also other names, of which several may stand for one field.
 */
function filtersOf<Kind extends ResourceKind>(
  kind: Kind,
  also: Readonly<Record<string, Filterable | (keyof (typeof resourceFields)[Kind] & string)>> = {},
): Readonly<Record<string, Filterable>> {
  const fields: Readonly<Record<string, FieldType>> = resourceFields[kind];
  const typed = (field: string): Filterable[] => {
    const base = fields[field]?.replace('?', '') as FieldBase;
    return base === 'json' ? [] : [{ field, type: filterTypes[base] }];
  };
  const names: [string, Filterable | string][] = [
    ...Object.keys(fields).flatMap((field): [string, string][] =>
      unlisted.includes(field) ? [] : [[snakeCase(field), field]],
    ),
    ['enabled', 'adminStateUp'],
    ...Object.entries(also),
  ];
  return Object.fromEntries(
    names.flatMap(([name, one]) =>
      (typeof one === 'string' ? typed(one) : [one]).map((filterable) => [name, filterable]),
    ),
  );
}

const tls = { tls_versions: list('tlsVersions'), alpn_protocols: list('alpnProtocols') };

const filterables: Readonly<Record<ResourceKind, Readonly<Record<string, Filterable>>>> = {
  loadbalancer: filtersOf('loadbalancer'),
  listener: filtersOf('listener', {
    ...tls,
    loadbalancer_id: 'loadBalancerId',
    insert_headers: { field: 'insertHeaders', type: 'object' },
    tls_certificate_id: 'defaultTlsContainerRef',
    client_ca_tls_certificate_id: 'clientCaTlsContainerRef',
    client_crl_container_id: 'clientCrlContainerRef',
  }),
  pool: filtersOf('pool', {
    ...tls,
    loadbalancer_id: 'loadBalancerId',
    tls_certificate_id: 'tlsContainerRef',
    ca_tls_certificate_id: 'caTlsContainerRef',
    crl_container_id: 'crlContainerRef',
    healthmonitor_id: { ...text('healthMonitorId'), isNoField: true },
  }),
  member: filtersOf('member', { ip_address: 'address' }),
  healthmonitor: filtersOf('healthmonitor', { rise_threshold: 'maxRetries', fall_threshold: 'maxRetriesDown' }),
  l7policy: filtersOf('l7policy'),
  l7rule: filtersOf('l7rule', { l7policy_id: 'l7PolicyId' }),
};

const resources = Object.fromEntries(
  Object.entries(filterables).map(([kind, filters]) => [
    kind,
    { filters, ofProjects: true, order: ['createdAt', 'id'] } satisfies ListFields,
  ]),
) as unknown as Readonly<Record<ResourceKind, ListFields>>;

const nameAndProvider = { name: text('name'), provider_name: text('providerName') };
const offered = { name: text('name'), description: text('description'), enabled: flag('enabled') };
const byId = { ofProjects: false, order: ['id'] } as const;

export const listableFields = {
  ...resources,
  quota: {
    filters: {
      loadbalancer: integer('loadbalancer'),
      load_balancer: integer('loadbalancer'),
      listener: integer('listener'),
      member: integer('member'),
      pool: integer('pool'),
      healthmonitor: integer('healthmonitor'),
      health_monitor: integer('healthmonitor'),
      l7policy: integer('l7policy'),
      l7rule: integer('l7rule'),
      in_use_load_balancer: inUseOf('loadbalancer'),
      in_use_listener: inUseOf('listener'),
      in_use_member: inUseOf('member'),
      in_use_pool: inUseOf('pool'),
      in_use_health_monitor: inUseOf('healthmonitor'),
      in_use_l7policy: inUseOf('l7policy'),
      in_use_l7rule: inUseOf('l7rule'),
    },
    ofProjects: true,
    order: ['projectId'],
  },
  flavor: { filters: { id: text('id'), ...offered, flavor_profile_id: text('flavorProfileId') }, ...byId },
  flavorProfile: {
    filters: { id: text('id'), ...nameAndProvider, flavor_data: text('flavorData') },
    ...byId,
  },
  availabilityZone: {
    filters: { ...offered, availability_zone_profile_id: text('availabilityZoneProfileId') },
    ofProjects: false,
    order: ['name'],
  },
  availabilityZoneProfile: {
    filters: { id: text('id'), ...nameAndProvider, availability_zone_data: text('availabilityZoneData') },
    ...byId,
  },
  amphora: {
    filters: {
      id: text('id'),
      loadbalancer_id: text('loadBalancerId'),
      load_balancer_id: text('loadBalancerId'),
      compute_id: text('computeId'),
      lb_network_ip: text('lbNetworkIp'),
      vrrp_ip: text('vrrpIp'),
      ha_ip: text('haIp'),
      vrrp_port_id: text('vrrpPortId'),
      ha_port_id: text('haPortId'),
      cert_expiration: text('certExpiration'),
      cert_busy: { ...flag('status'), from: statusesWithBusyCertificate },
      vrrp_interface: { ...text('role'), from: rolesWith('vrrp_interface') },
      vrrp_id: { ...integer('role'), from: rolesWith('vrrp_id') },
      vrrp_priority: { ...integer('role'), from: rolesWith('vrrp_priority') },
      role: text('role'),
      status: text('status'),
      cached_zone: text('cachedZone'),
      created_at: text('createdAt'),
      updated_at: text('updatedAt'),
      image_id: text('imageId'),
      compute_flavor: text('computeFlavor'),
    },
    ofProjects: true,
    isProjectElsewhere: true,
    order: ['createdAt', 'id'],
  },
  operation: {
    filters: {
      id: text('id'),
      flow: text('flow'),
      status: text('status'),
      loadbalancer_id: text('subject'),
      ended: { ...flag('status'), from: statusesWithEnd },
      created_at: text('createdAt'),
      updated_at: text('updatedAt'),
    },
    ofProjects: false,
    order: ['createdAt', 'id'],
  },
} as const satisfies Record<string, ListFields>;
