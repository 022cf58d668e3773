import { snakeCase } from '../../lib/snake-case.ts';
import type { LoadBalancer, ResourceKind, Resources, Vip } from '../../model/load-balancer.ts';
import { type FieldBase, type FieldType, type FlatLoadBalancer, resourceFields } from '../../model/resource-fields.ts';
import type { ResourceRow, ResourceValues, Schema } from './schema.ts';

/**
 * The one place that maps the model's resources to rows and back, by the declaration of their fields. A column has its field's name
 * in snake case; a load balancer's VIP is spread over columns of its own, which are fields (`vipAddress` …) for filters and sorting.
 */

const tables: { readonly [Kind in ResourceKind]: { table: keyof Schema; parent: keyof Resources[Kind] | null } } = {
  loadbalancer: { table: 'kiln_load_balancer', parent: null },
  listener: { table: 'kiln_listener', parent: 'loadBalancerId' },
  pool: { table: 'kiln_pool', parent: 'loadBalancerId' },
  member: { table: 'kiln_member', parent: 'poolId' },
  healthmonitor: { table: 'kiln_health_monitor', parent: 'poolId' },
  l7policy: { table: 'kiln_l7_policy', parent: 'listenerId' },
  l7rule: { table: 'kiln_l7_rule', parent: 'l7PolicyId' },
};

export const resourceKinds = Object.keys(tables) as ResourceKind[];

export interface Column {
  field: string;
  name: string;
  type: FieldBase;
  nullable: boolean;
}

/** The columns of a table, by the names of the model's fields. */
export function columnsOf(fields: Readonly<Record<string, FieldType>>): ReadonlyMap<string, Column> {
  return new Map(
    Object.entries(fields).map(([field, type]) => {
      const name = snakeCase(field);
      return [field, { field, name, type: type.replace('?', '') as FieldBase, nullable: type.endsWith('?') }];
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
    const { table, parent } = tables[kind];
    const columns = columnsOf(resourceFields[kind]);
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

function toColumn(type: FieldBase, value: unknown): string | number | null {
  if (value === null || value === undefined) return null;
  if (type === 'json') return JSON.stringify(value);
  return type === 'boolean' ? Number(value) : (value as string | number);
}

function fromColumn(type: FieldBase, value: string | number | null | undefined): unknown {
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
