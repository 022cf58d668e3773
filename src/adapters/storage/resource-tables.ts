import type { LoadBalancer, Vip } from '../../model/load-balancer.ts';
import type { ResourceKind, Resources } from '../../ports/load-balancer-store.ts';
import type { ResourceRow, ResourceValues, Schema } from './schema.ts';

/**
 * The one place that maps the model's resources to rows and back. A column has its field's name in snake case; a load
 * balancer's VIP is spread over columns of its own, which are fields (`vipAddress` …) for filters and sorting.
 */

interface FlatLoadBalancer extends Omit<LoadBalancer, 'vip'> {
  vipAddress: Vip['address'];
  vipNetworkId: Vip['networkId'];
  vipSubnetId: Vip['subnetId'];
  vipPortId: Vip['portId'];
  vipOctaviaOwned: Vip['octaviaOwned'];
}

type Flat = Omit<Resources, 'loadbalancer'> & { loadbalancer: FlatLoadBalancer };

type Base = 'string' | 'number' | 'boolean' | 'json';
/** How a field is kept; `?` may be null. JSON is written as text, and compared as such. */
export type FieldType = Base | `${Base}?`;
type BaseOf<Value> = [Value] extends [string]
  ? 'string'
  : [Value] extends [number]
    ? 'number'
    : [Value] extends [boolean]
      ? 'boolean'
      : 'json';
type FieldTypeOf<Value> = null extends Value ? `${BaseOf<NonNullable<Value>>}?` : BaseOf<Value>;

interface ResourceTable<Model> {
  table: keyof Schema;
  /** The field that names what it belongs to. Load balancers belong to nothing. */
  parent: keyof Model | null;
  fields: { [Field in keyof Model]: FieldTypeOf<Model[Field]> };
}

const common = {
  id: 'string',
  projectId: 'string',
  adminStateUp: 'boolean',
  provisioningStatus: 'string',
  operatingStatus: 'string',
  tags: 'json',
  createdAt: 'string',
  updatedAt: 'string?',
} as const;

const tables: { [Kind in ResourceKind]: ResourceTable<Flat[Kind]> } = {
  loadbalancer: {
    table: 'kiln_load_balancer',
    parent: null,
    fields: {
      ...common,
      name: 'string',
      description: 'string',
      vipAddress: 'string',
      vipNetworkId: 'string',
      vipSubnetId: 'string?',
      vipPortId: 'string?',
      vipOctaviaOwned: 'boolean',
      vipQosPolicyId: 'string?',
      vipSgIds: 'json',
      additionalVips: 'json',
      provider: 'string',
      flavorId: 'string?',
      availabilityZone: 'string?',
      topology: 'string',
      serverGroupId: 'string?',
    },
  },
  listener: {
    table: 'kiln_listener',
    parent: 'loadBalancerId',
    fields: {
      ...common,
      loadBalancerId: 'string',
      name: 'string',
      description: 'string',
      protocol: 'string',
      protocolPort: 'number',
      connectionLimit: 'number',
      defaultPoolId: 'string?',
      defaultTlsContainerRef: 'string?',
      sniContainerRefs: 'json',
      insertHeaders: 'json',
      timeoutClientData: 'number',
      timeoutMemberConnect: 'number',
      timeoutMemberData: 'number',
      timeoutTcpInspect: 'number',
      clientCaTlsContainerRef: 'string?',
      clientAuthentication: 'string',
      clientCrlContainerRef: 'string?',
      allowedCidrs: 'json',
      tlsCiphers: 'string?',
      tlsVersions: 'json',
      alpnProtocols: 'json',
      hstsMaxAge: 'number?',
      hstsIncludeSubdomains: 'boolean',
      hstsPreload: 'boolean',
    },
  },
  pool: {
    table: 'kiln_pool',
    parent: 'loadBalancerId',
    fields: {
      ...common,
      loadBalancerId: 'string',
      name: 'string',
      description: 'string',
      protocol: 'string',
      lbAlgorithm: 'string',
      sessionPersistence: 'json?',
      tlsEnabled: 'boolean',
      tlsContainerRef: 'string?',
      caTlsContainerRef: 'string?',
      crlContainerRef: 'string?',
      tlsCiphers: 'string?',
      tlsVersions: 'json',
      alpnProtocols: 'json',
    },
  },
  member: {
    table: 'kiln_member',
    parent: 'poolId',
    fields: {
      ...common,
      poolId: 'string',
      name: 'string',
      address: 'string',
      protocolPort: 'number',
      weight: 'number',
      backup: 'boolean',
      subnetId: 'string?',
      monitorAddress: 'string?',
      monitorPort: 'number?',
    },
  },
  healthmonitor: {
    table: 'kiln_health_monitor',
    parent: 'poolId',
    fields: {
      ...common,
      poolId: 'string',
      name: 'string',
      type: 'string',
      delay: 'number',
      timeout: 'number',
      maxRetries: 'number',
      maxRetriesDown: 'number',
      httpMethod: 'string?',
      urlPath: 'string?',
      expectedCodes: 'string?',
      httpVersion: 'number?',
      domainName: 'string?',
    },
  },
  l7policy: {
    table: 'kiln_l7_policy',
    parent: 'listenerId',
    fields: {
      ...common,
      listenerId: 'string',
      name: 'string',
      description: 'string',
      action: 'string',
      redirectPoolId: 'string?',
      redirectUrl: 'string?',
      redirectPrefix: 'string?',
      redirectHttpCode: 'number?',
      position: 'number',
    },
  },
  l7rule: {
    table: 'kiln_l7_rule',
    parent: 'l7PolicyId',
    fields: {
      ...common,
      l7PolicyId: 'string',
      type: 'string',
      compareType: 'string',
      key: 'string?',
      value: 'string',
      invert: 'boolean',
    },
  },
};

export const resourceKinds = Object.keys(tables) as ResourceKind[];

export interface Column {
  field: string;
  name: string;
  type: Base;
  nullable: boolean;
}

/** The columns of a table, by the names of the model's fields. */
export function columnsOf(fields: Readonly<Record<string, FieldType>>): ReadonlyMap<string, Column> {
  return new Map(
    Object.entries(fields).map(([field, type]) => {
      const name = field.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
      return [field, { field, name, type: type.replace('?', '') as Base, nullable: type.endsWith('?') }];
    }),
  );
}

interface TableOfKind {
  table: string;
  parent: string | null;
  columns: ReadonlyMap<string, Column>;
}

const byKind = Object.fromEntries(
  resourceKinds.map((kind) => {
    const { table, parent, fields } = tables[kind];
    const columns = columnsOf(fields);
    return [kind, { table, parent: parent && (columns.get(parent)?.name ?? null), columns }];
  }),
) as Record<ResourceKind, TableOfKind>;

/** The table of a kind, and by the names of its fields, its columns. */
export function tableOf(kind: ResourceKind): TableOfKind {
  return byKind[kind];
}

export function toRow<Kind extends ResourceKind>(kind: Kind, resource: Resources[Kind]): ResourceRow {
  const flat = kind === 'loadbalancer' ? flatten(resource as LoadBalancer) : resource;
  return { id: resource.id, ...toColumns(tableOf(kind).columns, flat) };
}

export function fromRow<Kind extends ResourceKind>(kind: Kind, row: ResourceValues): Resources[Kind] {
  if (kind !== 'loadbalancer') return fromColumns(tableOf(kind).columns, row) as unknown as Resources[Kind];
  const values = fromColumns(ownColumns, row);
  values.vip = fromColumns(vipColumns, row);
  return values as unknown as Resources[Kind];
}

type Columns = ReadonlyMap<string, Column>;

/** The columns of all fields, as the engines keep them. */
export function toColumns(columns: Columns, model: object): ResourceValues {
  const values = model as Record<string, unknown>;
  const row: ResourceValues = {};
  for (const { field, name, type } of columns.values()) row[name] = toColumn(type, values[field]);
  return row;
}

export function fromColumns(columns: Columns, row: ResourceValues): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { field, name, type } of columns.values()) values[field] = fromColumn(type, row[name]);
  return values;
}

function toColumn(type: Base, value: unknown): string | number | null {
  if (value === null || value === undefined) return null;
  if (type === 'json') return JSON.stringify(value);
  return type === 'boolean' ? Number(value) : (value as string | number);
}

function fromColumn(type: Base, value: string | number | null | undefined): unknown {
  if (value === null || value === undefined) return null;
  if (type === 'json') return value === '[]' ? [] : JSON.parse(String(value));
  return type === 'boolean' ? value === 1 : value;
}

/** The columns of load balancers that their VIP is made of, by its fields, and all others. */
const [vipColumns, ownColumns] = (() => {
  const { columns } = byKind.loadbalancer;
  const fields: Record<string, keyof Vip> = {
    vipAddress: 'address',
    vipNetworkId: 'networkId',
    vipSubnetId: 'subnetId',
    vipPortId: 'portId',
    vipOctaviaOwned: 'octaviaOwned',
  };
  const vip = Object.entries(fields).map(
    ([flat, field]) => [field, { ...(columns.get(flat) as Column), field }] as const,
  );
  return [new Map(vip), new Map([...columns].filter(([field]) => !Object.hasOwn(fields, field)))];
})();

function flatten({ vip, ...rest }: LoadBalancer): FlatLoadBalancer {
  return {
    ...rest,
    vipAddress: vip.address,
    vipNetworkId: vip.networkId,
    vipSubnetId: vip.subnetId,
    vipPortId: vip.portId,
    vipOctaviaOwned: vip.octaviaOwned,
  };
}
