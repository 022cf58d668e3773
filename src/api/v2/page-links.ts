import type { PageRequest } from './list-request.ts';

export interface Link {
  rel: 'previous' | 'next';
  href: string;
}

/**
 * Links to the pages around this one, with the words and the order of parameters that Octavia uses. A full page has a
 * next one, even where nothing follows; the filters are not repeated in the links, as in Octavia.
 * @param pathUrl scheme, host and path that the client asked.
 */
export function pageLinks(pathUrl: string, page: PageRequest, ids: readonly string[]): Link[] {
  const first = ids[0];
  const last = ids.at(-1);
  if (first === undefined || last === undefined) return [];
  const kept = [
    `limit=${page.limit ?? 'None'}`,
    ...(page.sort ? [`sort=${encodeURIComponent(page.sort)}`] : []),
    ...(page.sortKey ? [`sort_key=${encodeURIComponent(page.sortKey)}`] : []),
  ];
  const links: Link[] = [];
  if (page.marker) {
    links.push({ rel: 'previous', href: `${pathUrl}?${[...kept, `marker=${first}`, 'page_reverse=True'].join('&')}` });
  }
  if (page.limit === null || ids.length >= page.limit) {
    links.push({ rel: 'next', href: `${pathUrl}?${[...kept, `marker=${last}`].join('&')}` });
  }
  return links;
}
