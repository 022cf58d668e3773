import type { AliasedRawBuilder, Expression, Kysely, SelectQueryBuilder, SqlBool } from 'kysely';
import { expressionBuilder } from 'kysely';
import { KilnError } from '../../model/errors.ts';
import type { ResourceKind } from '../../model/load-balancer.ts';
import type { ListQuery } from '../../ports/load-balancer-store.ts';
import { relatedColumns } from './related-ids.ts';
import { type Column, tableOf } from './resource-tables.ts';
import type { KilnDatabase, ResourceRow, ResourceValues } from './schema.ts';

/** The tables of all kinds, seen as one shape. */
type ResourceDatabase = Kysely<Record<string, ResourceRow>>;
type Query = SelectQueryBuilder<Record<string, ResourceRow>, string, ResourceValues>;

type FilterValue = ListQuery['filters'][string][number];
type Direction = ListQuery['sort'][number]['direction'];

interface SortKey {
  column: Column;
  direction: Direction;
}

const row = expressionBuilder<Record<string, ResourceRow>, string>();

/** A table that pages are read of. */
export interface PagedTable {
  table: string;
  /** What its rows are, for refusals. */
  kind: string;
  /** The field that is different in every row: the last sort key, and what markers name. */
  key: string;
  columns: ReadonlyMap<string, Column>;
}

/** What must hold of rows beside the filters. */
interface Scope {
  /**
   * Columns and values by which rows belong where the list is read, such as the project. A marker elsewhere is none: where its
   * values stand in the order of the caller's own rows would tell them.
   */
  home?: Readonly<Record<string, string>>;
  conditions?: readonly Expression<SqlBool>[];
  /** Columns of the table that are selected; default: all of them. */
  only?: readonly string[];
  /** What is selected beside all columns of the table. */
  columns?: AliasedRawBuilder<string | null, string>[];
}

/** One page of a kind's rows; see `selectPageOf`. @param only columns; default: all, and those of `relatedColumns`. */
export function selectPage(
  database: KilnDatabase,
  kind: ResourceKind,
  query: ListQuery,
  only?: readonly string[],
): Promise<ResourceValues[]> {
  const { table, columns } = tableOf(kind);
  const paged = { table, kind, key: 'id', columns };
  return selectPageOf(database, paged, query, {
    home: homeOf(kind, query),
    conditions: scopeOf(database, kind, query),
    ...(only ? { only } : { columns: relatedColumns(database, kind) }),
  });
}

/**
 * One page of a table, in at most two statements: one for the marker's place in the order, if there is a marker, and
 * one for the page, which begins behind that place by its values (no row is counted or skipped). Null comes before every
 * value, as both engines have it.
 * @throws REQUEST_INVALID for a filter or sort key that is no field of the table.
 */
export async function selectPageOf(
  database: KilnDatabase,
  paged: PagedTable,
  query: Pick<ListQuery, 'filters' | 'sort' | 'limit' | 'marker' | 'reverse'>,
  { home = {}, conditions = [], only, columns = [] }: Scope = {},
): Promise<ResourceValues[]> {
  const { table } = paged;
  const rows = database as unknown as ResourceDatabase;
  const reverse = query.marker !== undefined && query.reverse === true;
  const keys = sortKeys(paged, query.sort, reverse);
  const from = rows.selectFrom(table);
  let page = (only ? from.select(only) : from.selectAll().select(columns)) as Query;
  for (const [column, value] of Object.entries(home)) page = page.where(column, '=', value);
  for (const condition of conditions) page = page.where(condition);
  for (const [field, values] of Object.entries(query.filters)) {
    page = page.where(isOneOf(columnOf(paged, field), values));
  }

  if (query.marker !== undefined) {
    const key = columnOf(paged, paged.key).name;
    let place = rows.selectFrom(table).selectAll().where(key, '=', query.marker) as Query;
    for (const [column, value] of Object.entries(home)) place = place.where(column, '=', value);
    const marker = await place.executeTakeFirst();
    if (!marker) return [];
    page = page.where(behind(keys, marker));
    // The same, less sharply, in a form that lets an index be entered at the marker.
    const [first] = keys;
    const edge = first && marker[first.column.name];
    if (first && !first.column.nullable && edge !== null && edge !== undefined) {
      page = page.where(first.column.name, first.direction === 'asc' ? '>=' : '<=', edge);
    }
  }
  for (const { column, direction } of keys) page = page.orderBy(column.name, direction);
  if (Number.isFinite(query.limit)) page = page.limit(query.limit);
  const found = await page.execute();
  return reverse ? found.reverse() : found;
}

/** What is asked for, then the key; turned around for the page before the marker. */
function sortKeys(paged: PagedTable, sort: ListQuery['sort'], reverse: boolean): SortKey[] {
  const keys = new Map<string, SortKey>();
  for (const { field, direction } of [...sort, { field: paged.key, direction: 'asc' as const }]) {
    if (keys.has(paged.key)) break; // Nothing can come after it.
    if (keys.has(field)) continue;
    const turned = reverse ? (direction === 'asc' ? 'desc' : 'asc') : direction;
    keys.set(field, { column: columnOf(paged, field), direction: turned });
  }
  return [...keys.values()];
}

function columnOf({ columns, kind }: PagedTable, field: string): Column {
  const column = columns.get(field);
  if (column) return column;
  throw new KilnError('REQUEST_INVALID', `a ${kind} can't be filtered or sorted by ${field}`);
}

/** Whether a row comes after `marker` in the order of the keys. */
function behind([key, ...lesser]: readonly SortKey[], marker: ResourceValues): Expression<SqlBool> {
  if (!key) return row.lit(false);
  const { name, nullable } = key.column;
  const value = marker[name] ?? null;
  const after = () => {
    if (key.direction === 'asc') return value === null ? row(name, 'is not', null) : row(name, '>', value);
    if (value === null) return row.lit(false);
    const smaller = row(name, '<', value);
    return nullable ? row.or([smaller, row(name, 'is', null)]) : smaller;
  };
  const level = value === null ? row(name, 'is', null) : row(name, '=', value);
  return lesser.length === 0 ? after() : row.or([after(), row.and([level, behind(lesser, marker)])]);
}

function homeOf(kind: ResourceKind, { projectId, parentId }: ListQuery): Record<string, string> {
  const { parent } = tableOf(kind);
  return {
    ...(projectId !== null && { project_id: projectId }),
    ...(parentId !== undefined && parent && { [parent]: parentId }),
  };
}

function scopeOf(database: KilnDatabase, kind: ResourceKind, query: ListQuery): Expression<SqlBool>[] {
  const { parentId, filters, healthMonitorIds } = query;
  const found: Expression<SqlBool>[] = [];
  if (parentId !== undefined && !tableOf(kind).parent) found.push(row.lit(false));
  if (healthMonitorIds !== undefined) {
    const monitored = database
      .selectFrom('kiln_health_monitor')
      .select(({ ref }) => ref('pool_id').$castTo<string>().as('pool_id'))
      .where('id', 'in', healthMonitorIds);
    found.push(row('id', 'in', monitored));
  }
  if (!filters.provisioningStatus?.includes('DELETED')) found.push(row('provisioning_status', '!=', 'DELETED'));
  return [...found, ...tagConditions(database, query.tags ?? {})];
}

function isOneOf(column: Column, wanted: readonly FilterValue[]): Expression<SqlBool> {
  const values = wanted.map((value) => comparable(column, value)).filter((value) => value !== undefined);
  const present = values.filter((value) => value !== null);
  const choices: Expression<SqlBool>[] = [];
  if (present.length > 0) choices.push(row(column.name, 'in', present));
  if (present.length < values.length) choices.push(row(column.name, 'is', null));
  return choices.length > 0 ? row.or(choices) : row.lit(false);
}

/** As the column holds it. Undefined: no row can have it (left to themselves, the engines would make `12` of `12a`). */
function comparable({ type }: Column, value: FilterValue): string | number | null | undefined {
  if (value === null) return null;
  if (type === 'boolean') return typeof value === 'boolean' ? Number(value) : undefined;
  if (type === 'string' || type === 'json') return typeof value === 'string' ? value : undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/**
 * By the API working group's rules of tags; an empty list asks for nothing. A condition for each tag, so that the engine may begin with a
 * tag that few have, or with the first rows of the page where most have it; sets of tags would have to be put together first.
 */
function tagConditions(database: KilnDatabase, tags: NonNullable<ListQuery['tags']>): Expression<SqlBool>[] {
  const having = (...wanted: string[]) =>
    database.selectFrom('kiln_tag').select('resource_id').where('tag', 'in', wanted);
  const { all = [], any = [], notAll = [], notAny = [] } = tags;
  const found: Expression<SqlBool>[] = all.map((tag) => row('id', 'in', having(tag)));
  if (any.length > 0) found.push(row('id', 'in', having(...any)));
  if (notAll.length > 0) found.push(row.or(notAll.map((tag) => row('id', 'not in', having(tag)))));
  return [...found, ...notAny.map((tag) => row('id', 'not in', having(tag)))];
}
