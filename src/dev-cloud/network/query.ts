import { badRequest } from './fault.ts';

/** One thing as Neutron shows it. */
export type View = Record<string, unknown>;

/** Parameters that are about the list, not filters on what is in it. */
const listParameters = new Set(['fields', 'sort_key', 'sort_dir', 'limit', 'marker', 'page_reverse']);

/**
 * What Neutron lists for a query: filters (the same one more than once: any of them), order, page and fields.
 * @param filterable the attributes that may be asked for; others are refused, as the extension filter-validation does.
 */
export function listViews(
  views: View[],
  query: URLSearchParams,
  filterable: ReadonlySet<string>,
  collection: { name: string; url: string },
): Record<string, unknown> {
  const filters = [...new Set(query.keys())].filter((key) => !listParameters.has(key));
  const unknown = filters.filter((key) => !filterable.has(key));
  if (unknown.length > 0) throw badRequest(`${pythonList(unknown)} is invalid attribute for filtering`);

  const matching = views.filter((view) => filters.every((key) => matches(view, key, query.getAll(key))));
  const reverse = query.get('page_reverse')?.toLowerCase() === 'true';
  const sorted = sort(matching, query);
  const ordered = reverse ? sorted.reverse() : sorted;

  const limit = parseLimit(query.get('limit'));
  const page = limit === null ? ordered : pageOf(ordered, limit, query.get('marker'));
  if (reverse) page.reverse();
  const links = limit === null ? [] : pageLinks(page, limit, reverse, query, collection.url);
  return {
    [collection.name]: page.map((view) => selectFields(view, query.getAll('fields'))),
    ...(links.length > 0 ? { [`${collection.name}_links`]: links } : {}),
  };
}

export function selectFields(view: View, fields: readonly string[]): View {
  if (fields.length === 0) return view;
  return Object.fromEntries(Object.entries(view).filter(([key]) => fields.includes(key)));
}

function matches(view: View, key: string, wanted: readonly string[]): boolean {
  if (key === 'fixed_ips') return matchesFixedIps(view, wanted);
  if (key === 'tags' || key === 'not-tags' || key === 'tags-any' || key === 'not-tags-any') {
    return matchesTags((view.tags ?? []) as string[], key, wanted);
  }
  const value = view[key];
  const values = Array.isArray(value) ? value.map(text) : [text(value)];
  return wanted.some((one) => values.includes(typeof value === 'boolean' ? booleanText(one) : one));
}

function booleanText(one: string): string {
  return ['1', 'true', 'yes', 'on'].includes(one.toLowerCase()) ? 'true' : 'false';
}

function text(value: unknown): string {
  return value === null || value === undefined ? '' : String(value);
}

/** `fixed_ips=ip_address=A`, `fixed_ips=subnet_id=S` and `fixed_ips=ip_address_substr=X`; each kind must hold. */
function matchesFixedIps(view: View, wanted: readonly string[]): boolean {
  const fixedIps = view.fixed_ips as { subnet_id: string; ip_address: string }[];
  const kinds = Map.groupBy(
    wanted.map((one) => one.split('=')),
    ([kind = '']) => kind,
  );
  return [...kinds].every(([kind, pairs]) => {
    const values = pairs.map(([, value = '']) => value);
    return fixedIps.some((fixedIp) => {
      if (kind === 'ip_address') return values.includes(fixedIp.ip_address);
      if (kind === 'subnet_id') return values.includes(fixedIp.subnet_id);
      if (kind === 'ip_address_substr') return values.some((value) => fixedIp.ip_address.includes(value));
      throw badRequest(`Invalid filter fixed_ips: ${kind}`);
    });
  });
}

function matchesTags(tags: readonly string[], key: string, wanted: readonly string[]): boolean {
  const list = wanted.flatMap((one) => one.split(','));
  const has = key.endsWith('-any') ? list.some((tag) => tags.includes(tag)) : list.every((tag) => tags.includes(tag));
  return key.startsWith('not-') ? !has : has;
}

/** Ends with the ID, so that pages hold still. */
function sort(views: View[], query: URLSearchParams): View[] {
  const keys = query.getAll('sort_key');
  const directions = query.getAll('sort_dir');
  if (keys.length !== directions.length) throw badRequest('The number of sort_keys and sort_dirs must be same');
  const wrong = directions.filter((direction) => direction !== 'asc' && direction !== 'desc');
  if (wrong.length > 0) {
    throw badRequest(`${pythonList(wrong)} is invalid value for sort_dirs, valid value is 'asc' and 'desc'`);
  }
  const order = [
    ...keys.map((key, index) => ({ key, sign: directions[index] === 'desc' ? -1 : 1 })),
    { key: 'id', sign: 1 },
  ];
  return views.toSorted((a, b) => {
    for (const { key, sign } of order) {
      const [left, right] = [text(a[key]), text(b[key])];
      if (left !== right) return left < right ? -sign : sign;
    }
    return 0;
  });
}

/** Null for no limit; 0 means that too. */
function parseLimit(limit: string | null): number | null {
  if (limit === null) return null;
  if (!/^\d+$/.test(limit))
    throw badRequest(`Bad limit request: Limit must be an integer 0 or greater and not '${limit}'.`);
  return Number(limit) || null;
}

function pageOf(views: View[], limit: number, marker: string | null): View[] {
  const start = marker === null ? 0 : views.findIndex((view) => view.id === marker) + 1;
  if (marker !== null && start === 0) throw badRequest(`Bad marker request: Marker ${marker} could not be found.`);
  return views.slice(start, start + limit);
}

function pageLinks(page: View[], limit: number, reverse: boolean, query: URLSearchParams, url: string) {
  const link = (rel: 'next' | 'previous', end: View | undefined) => {
    const parameters = new URLSearchParams(query);
    parameters.delete('marker');
    parameters.delete('page_reverse');
    if (end) parameters.set('marker', String(end.id));
    if (rel === 'previous') parameters.set('page_reverse', 'True');
    return { rel, href: `${url}?${parameters}` };
  };
  const short = page.length < limit;
  return [
    ...(short && !reverse ? [] : [link('next', page.at(-1))]),
    ...(short && reverse ? [] : [link('previous', page[0])]),
  ];
}

function pythonList(items: readonly string[]): string {
  return `[${items.map((item) => `'${item}'`).join(', ')}]`;
}
