import { badRequest } from './fault.ts';

/** Nova's `[api] max_limit`. */
export const maxPageSize = 1000;

/** The query of a request; Nova takes the last of several values. */
export function queryOf(request: { url: string }): URLSearchParams {
  return new URL(request.url, 'http://cloud').searchParams;
}

/**
 * One page of a list by `limit` and `marker`, with the link to the next one where there may be more.
 * @param url of the list, without a query.
 */
export function page<Row extends { id: string }>(
  rows: readonly Row[],
  query: URLSearchParams,
  url: string,
): { rows: Row[]; links: { rel: 'next'; href: string }[] } {
  const limit = Math.min(limitOf(query), maxPageSize);
  const marker = query.get('marker');
  const start = marker === null ? 0 : rows.findIndex((row) => row.id === marker) + 1;
  if (marker !== null && start === 0) throw badRequest(`marker [${marker}] not found`);
  const chosen = rows.slice(start, start + limit);
  const last = chosen.at(-1);
  if (chosen.length < limit || !last || limit === 0) return { rows: chosen, links: [] };
  const next = new URLSearchParams(query);
  next.set('marker', last.id);
  return { rows: chosen, links: [{ rel: 'next', href: `${url}?${next}` }] };
}

function limitOf(query: URLSearchParams): number {
  const limit = query.get('limit');
  if (limit === null) return maxPageSize;
  if (!/^\d+$/.test(limit)) {
    throw badRequest(`Invalid input for query parameters limit. Value: ${limit}. '${limit}' does not match '^[0-9]*$'`);
  }
  return Number(limit);
}
