import type { Kind } from '../../core/lbaas/resource-names.ts';
import { rolesWith, statusesWithBusyCertificate } from '../../core/lbaas/vrrp.ts';
import { operationStatuses, unendedStatuses } from '../../model/operation.ts';
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
const inUseOf = (kind: Kind): Filterable => ({ field: inUse(kind), type: 'integer', isNoField: true });
const list = (field: string): Filterable => ({ field, type: 'list' });

const common = {
  id: text('id'),
  provisioning_status: text('provisioningStatus'),
  operating_status: text('operatingStatus'),
  admin_state_up: flag('adminStateUp'),
  enabled: flag('adminStateUp'),
  created_at: text('createdAt'),
  updated_at: text('updatedAt'),
};
const named = { ...common, name: text('name'), description: text('description') };

/** Statuses of operations that have ended, or of those that have not. */
const statusesWithEnd = (ended: FilterValue) =>
  operationStatuses.filter((status) => unendedStatuses.includes(status) !== ended);

/** What a list of something may be asked for. */
export interface Listable {
  /** By the names of the API; the project and tags are not among them, for they are more than filters. */
  filters: Readonly<Record<string, Filterable>>;
  /** Whether it belongs to projects, so that one may ask for one project's. */
  ofProjects: boolean;
  /** The project is that of something else: lists find by it and are not sorted by it. */
  isProjectElsewhere?: true;
  /** Fields of the model that a list is in the order of where nothing else is asked for, and behind what is. */
  order: readonly string[];
}

const filterables: Readonly<Record<Kind, Readonly<Record<string, Filterable>>>> = {
  loadbalancer: {
    ...named,
    vip_address: text('vipAddress'),
    vip_subnet_id: text('vipSubnetId'),
    vip_port_id: text('vipPortId'),
    vip_network_id: text('vipNetworkId'),
    vip_qos_policy_id: text('vipQosPolicyId'),
    provider: text('provider'),
    flavor_id: text('flavorId'),
    availability_zone: text('availabilityZone'),
    topology: text('topology'),
    server_group_id: text('serverGroupId'),
  },
  listener: {
    ...named,
    loadbalancer_id: text('loadBalancerId'),
    load_balancer_id: text('loadBalancerId'),
    protocol: text('protocol'),
    protocol_port: integer('protocolPort'),
    connection_limit: integer('connectionLimit'),
    default_pool_id: text('defaultPoolId'),
    default_tls_container_ref: text('defaultTlsContainerRef'),
    client_ca_tls_container_ref: text('clientCaTlsContainerRef'),
    client_crl_container_ref: text('clientCrlContainerRef'),
    client_authentication: text('clientAuthentication'),
    timeout_client_data: integer('timeoutClientData'),
    timeout_member_connect: integer('timeoutMemberConnect'),
    timeout_member_data: integer('timeoutMemberData'),
    timeout_tcp_inspect: integer('timeoutTcpInspect'),
    tls_ciphers: text('tlsCiphers'),
    tls_versions: list('tlsVersions'),
    alpn_protocols: list('alpnProtocols'),
    insert_headers: { field: 'insertHeaders', type: 'object' },
    tls_certificate_id: text('defaultTlsContainerRef'),
    client_ca_tls_certificate_id: text('clientCaTlsContainerRef'),
    client_crl_container_id: text('clientCrlContainerRef'),
    hsts_max_age: integer('hstsMaxAge'),
    hsts_include_subdomains: flag('hstsIncludeSubdomains'),
    hsts_preload: flag('hstsPreload'),
  },
  pool: {
    ...named,
    loadbalancer_id: text('loadBalancerId'),
    load_balancer_id: text('loadBalancerId'),
    protocol: text('protocol'),
    lb_algorithm: text('lbAlgorithm'),
    tls_enabled: flag('tlsEnabled'),
    tls_container_ref: text('tlsContainerRef'),
    ca_tls_container_ref: text('caTlsContainerRef'),
    crl_container_ref: text('crlContainerRef'),
    tls_certificate_id: text('tlsContainerRef'),
    ca_tls_certificate_id: text('caTlsContainerRef'),
    crl_container_id: text('crlContainerRef'),
    tls_ciphers: text('tlsCiphers'),
    tls_versions: list('tlsVersions'),
    alpn_protocols: list('alpnProtocols'),
    healthmonitor_id: { ...text('healthMonitorId'), isNoField: true },
  },
  member: {
    ...common,
    pool_id: text('poolId'),
    name: text('name'),
    address: text('address'),
    ip_address: text('address'),
    protocol_port: integer('protocolPort'),
    weight: integer('weight'),
    backup: flag('backup'),
    subnet_id: text('subnetId'),
    monitor_address: text('monitorAddress'),
    monitor_port: integer('monitorPort'),
  },
  healthmonitor: {
    ...common,
    name: text('name'),
    pool_id: text('poolId'),
    type: text('type'),
    delay: integer('delay'),
    timeout: integer('timeout'),
    max_retries: integer('maxRetries'),
    max_retries_down: integer('maxRetriesDown'),
    rise_threshold: integer('maxRetries'),
    fall_threshold: integer('maxRetriesDown'),
    http_method: text('httpMethod'),
    url_path: text('urlPath'),
    expected_codes: text('expectedCodes'),
    http_version: { field: 'httpVersion', type: 'number' },
    domain_name: text('domainName'),
  },
  l7policy: {
    ...named,
    listener_id: text('listenerId'),
    action: text('action'),
    redirect_pool_id: text('redirectPoolId'),
    redirect_url: text('redirectUrl'),
    redirect_prefix: text('redirectPrefix'),
    redirect_http_code: integer('redirectHttpCode'),
    position: integer('position'),
  },
  l7rule: {
    ...common,
    l7policy_id: text('l7PolicyId'),
    type: text('type'),
    compare_type: text('compareType'),
    key: text('key'),
    value: text('value'),
    invert: flag('invert'),
  },
};

const resources = Object.fromEntries(
  Object.entries(filterables).map(([kind, filters]) => [
    kind,
    { filters, ofProjects: true, order: ['createdAt', 'id'] } satisfies Listable,
  ]),
) as unknown as Readonly<Record<Kind, Listable>>;

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
} as const satisfies Record<string, Listable>;
