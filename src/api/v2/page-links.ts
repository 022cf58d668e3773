import type { PageRequest } from './list-request.ts';

export interface Link {
  href: string;
  rel: 'previous' | 'next';
}

/** What Octavia says where nobody set a limit (its pagination_max_limit is sys.maxsize then). */
const NO_LIMIT = '9223372036854775807';

/**
 * Links to the pages around this one, with the words and the order of parameters that Octavia uses. A full page has a
 * next one, even where nothing follows; the filters are not repeated in the links, as in Octavia. What there is to sort by
 * is known to be names of fields, which need no quoting.
 * @param pathUrl scheme, host and path that the client asked.
 */
export function pageLinks(pathUrl: string, page: PageRequest, ids: readonly string[]): Link[] {
  const first = ids[0];
  const last = ids.at(-1);
  if (first === undefined || last === undefined) return [];
  const kept = [
    `limit=${page.limit ?? NO_LIMIT}`,
    ...(page.sort ? [`sort=${page.sort}`] : []),
    ...(page.sortKey ? [`sort_key=${page.sortKey}`] : []),
  ];
  const links: Link[] = [];
  if (page.marker) {
    links.push({ href: `${pathUrl}?${[...kept, `marker=${first}`, 'page_reverse=True'].join('&')}`, rel: 'previous' });
  }
  if (page.limit !== null && ids.length >= page.limit) {
    links.push({ href: `${pathUrl}?${[...kept, `marker=${last}`].join('&')}`, rel: 'next' });
  }
  return links;
}
