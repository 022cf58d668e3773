import { invalidRequest } from '../../core/lbaas/api-errors.ts';
import type { ListQuery } from '../../ports/load-balancer-store.ts';
import type { Filterable, FilterValue, ListFields } from './filters.ts';

/** A query string, parsed: a name that came several times has several values. */
export type QueryString = Readonly<Record<string, string | string[] | undefined>>;

/** What a list request asks for, the scope left aside (whose things the caller may see is the policy's question). */
export interface ListRequest {
  projectId: string | null;
  /** Only these fields; null: all. */
  fields: readonly string[] | null;
  query: Omit<ListQuery, 'projectId' | 'parentId'>;
  /** A filter has a value that nothing can have: the list is empty. */
  nothing: boolean;
  page: PageRequest;
}

/** What the links to the pages before and after need. */
export interface PageRequest {
  /** Null: no limit. */
  limit: number | null;
  marker: string | null;
  sort: string | null;
  sortKey: string | null;
}

type Sort = ListQuery['sort'][number];

/**
 * Reads filters, tags, sorting and paging as octavia/api/common/pagination.py does.
 * @param maximum `[api_settings] pagination_max_limit`; null: infinite.
 * @throws KilnError REQUEST_INVALID in Octavia's words.
 */
export function readListRequest(fields: ListFields, given: QueryString, maximum: number | null): ListRequest {
  const single = (name: string) => onlyOne(given, name);
  const limit = readLimit(single('limit'), maximum);
  const marker = single('marker');
  const { filters: wanted, nothing } = readFilters(fields, given);
  const { healthMonitorId: healthMonitorIds, ...filters } = wanted;
  return {
    projectId: single('project_id') ?? single('tenant_id'),
    fields: readFields(given),
    nothing,
    query: {
      filters,
      ...(healthMonitorIds && { healthMonitorIds: healthMonitorIds.map(String) }),
      ...readTags(given),
      sort: readSort(fields, single('sort'), single('sort_key'), single('sort_dir')),
      limit: limit ?? Number.MAX_SAFE_INTEGER,
      ...(marker === null ? {} : { marker, reverse: single('page_reverse')?.toLowerCase() === 'true' }),
    },
    page: { limit, marker, sort: single('sort'), sortKey: single('sort_key') },
  };
}

/**
 * Of a list that is in no order and has no pages: what it is asked in this way is judged all the same, as in Octavia.
 * @throws KilnError REQUEST_INVALID in Octavia's words.
 */
export function checkPaging(given: QueryString): void {
  const single = (name: string) => onlyOne(given, name);
  readLimit(single('limit'), null);
  for (const [, direction] of readSortKeys(single('sort'), single('sort_key'), single('sort_dir'))) way(direction);
}

function onlyOne(given: QueryString, name: string): string | null {
  const value = given[name];
  if (Array.isArray(value)) throw duplicateOrInvalid();
  return value ?? null;
}

/** `fields=id&fields=name`; a comma is part of a name, as it is for Octavia. */
export function readFields(given: QueryString): string[] | null {
  const fields = given.fields;
  if (fields === undefined) return null;
  return Array.isArray(fields) ? fields : [fields];
}

export const invalidMarker = (marker: string) => invalidRequest(`Supplied pagination marker '${marker}' is not valid.`);

const duplicateOrInvalid = () => invalidRequest('One or more arguments are either duplicate or invalid');

/** Parameters that say how to list, not what. */
export const pagingParameters = ['limit', 'marker', 'page_reverse', 'sort', 'sort_key', 'sort_dir', 'fields'] as const;
export const projectParameters = ['project_id', 'tenant_id'] as const;

const auxiliary: ReadonlySet<string> = new Set([...pagingParameters, 'tags', 'tags-any', 'not-tags', 'not-tags-any']);
const ofProjects: ReadonlySet<string> = new Set(projectParameters);

function isNoFilter(fields: ListFields, name: string): boolean {
  return auxiliary.has(name) || (fields.ofProjects && ofProjects.has(name));
}

function readFilters(fields: ListFields, given: QueryString): { filters: ListQuery['filters']; nothing: boolean } {
  const filters: Record<string, readonly FilterValue[]> = {};
  let nothing = false;
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || isNoFilter(fields, name)) continue;
    const filterable = own(fields.filters, name);
    if (!filterable || Array.isArray(value)) throw duplicateOrInvalid();
    const { field, from } = filterable;
    const wanted = readValue(filterable, value);
    const values = wanted === null ? [] : (from?.(wanted) ?? [wanted]);
    // Two names may mean one field.
    const both = filters[field]?.filter((one) => values.includes(one)) ?? values;
    if (both.length === 0) nothing = true;
    filters[field] = both;
  }
  return { filters, nothing };
}

/** Null for a value that the field never has. */
function readValue({ type }: Filterable, value: string): FilterValue | null {
  if (type === 'text') return value;
  if (type === 'list') return JSON.stringify(value.split(','));
  if (type === 'object') return readObject(value);
  if (type === 'flag') {
    // What is not true is false, as in Octavia.
    return /^(true|t|yes|y|on|1)$/i.test(value.trim());
  }
  const number = /^-?\d{1,15}(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  if (type === 'integer' && !Number.isInteger(number)) return null;
  return Number.isNaN(number) ? null : number;
}

/** As the store keeps it. */
function readObject(value: string): string | null {
  try {
    return JSON.stringify(JSON.parse(value));
  } catch {
    return null;
  }
}

const tagParameters = [
  ['tags', 'all'],
  ['tags-any', 'any'],
  ['not-tags', 'notAll'],
  ['not-tags-any', 'notAny'],
] as const;

function readTags(given: QueryString): { tags?: NonNullable<ListQuery['tags']> } {
  const tags: Record<string, string[]> = {};
  for (const [parameter, key] of tagParameters) {
    const value = given[parameter];
    if (value !== undefined) tags[key] = [value].flat().flatMap((one) => one.split(','));
  }
  return Object.keys(tags).length > 0 ? { tags } : {};
}

function readSort(fields: ListFields, sort: string | null, sortKey: string | null, sortDir: string | null): Sort[] {
  // Directions are judged before keys.
  const wanted: Sort[] = readSortKeys(sort, sortKey, sortDir)
    .map(([key, direction]) => [key, way(direction)] as const)
    .map(([key, direction]) => ({ field: sortField(fields, key), direction }));
  // What is level in all that was asked for goes on in the same direction, where Octavia turns to ascending: one index has the order.
  const direction = wanted.at(-1)?.direction ?? 'asc';
  const rest = fields.order.filter((field) => !wanted.some((one) => one.field === field));
  return [...wanted, ...rest.map((field) => ({ field, direction }))];
}

/** Keys with their directions, as they were given. */
function readSortKeys(sort: string | null, sortKey: string | null, sortDir: string | null): [string, string][] {
  if (sort) {
    return sort.split(',').map((part) => {
      const [key = '', direction = 'asc', ...rest] = part.split(':');
      if (rest.length > 0) throw invalidSortKey(part);
      return [key, direction];
    });
  }
  if (!sortKey) return [];
  const directions = sortDir ? sortDir.split(',') : [];
  return sortKey.split(',').map((key, index) => [key, directions[index] ?? 'asc']);
}

function sortField(fields: ListFields, key: string): string {
  const byProject = fields.ofProjects && !fields.isProjectElsewhere && ofProjects.has(key);
  const filterable = own(fields.filters, key);
  const field = byProject ? 'projectId' : filterable?.isNoField ? undefined : filterable?.field;
  if (field === undefined) throw invalidSortKey(key);
  return field;
}

const invalidSortKey = (key: string) => invalidRequest(`Supplied sort key '${key}' is not valid.`);

function way(direction: string): 'asc' | 'desc' {
  const lower = direction.toLowerCase();
  if (lower !== 'asc' && lower !== 'desc') {
    throw invalidRequest(`Supplied sort direction '${lower}' is not valid.`);
  }
  return lower;
}

function readLimit(given: string | null, maximum: number | null): number | null {
  if (given === null) return maximum;
  if (given === 'infinite') return maximum;
  if (!/^\s*[+-]?\d{1,19}\s*$/.test(given)) {
    throw invalidRequest(`Supplied pagination limit '${given}' is not valid.`);
  }
  const limit = Number(given);
  // Below one means no limit, as does what our links say without one; the operator's maximum holds all the same.
  if (limit < 1 || !Number.isSafeInteger(limit)) return maximum;
  return maximum === null ? limit : Math.min(limit, maximum);
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
