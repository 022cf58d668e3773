/**
 * A query string the way Glance reads it: an ordered list in which a name may occur often. `take` removes the FIRST value
 * of a name; what is left over becomes a filter, and there the LAST value counts.
 */
export interface Query {
  take(name: string): string | undefined;
  takeAll(name: string): string[];
  has(name: string): boolean;
  /** What was not taken: each name once, with its last value. */
  rest(): Map<string, string>;
}

export function parseQuery(url: string): Query {
  const pairs = [...new URLSearchParams(queryOf(url))];
  return {
    take(name) {
      const at = pairs.findIndex(([candidate]) => candidate === name);
      return at < 0 ? undefined : pairs.splice(at, 1)[0]?.[1];
    },
    takeAll(name) {
      const values = pairs.filter(([candidate]) => candidate === name).map(([, value]) => value);
      pairs.splice(0, pairs.length, ...pairs.filter(([candidate]) => candidate !== name));
      return values;
    },
    has: (name) => pairs.some(([candidate]) => candidate === name),
    rest: () => new Map(pairs),
  };
}

/**
 * The links `first` and `next`: a path without the endpoint's own prefix, the query without its marker. Of a name that
 * occurred often only the last value is kept, so that following `next` loses the other tags; so does the real Glance.
 */
export function pageLink(url: string, marker: string | null): string {
  const parameters = new Map(new URLSearchParams(queryOf(url)));
  parameters.delete('marker');
  if (marker !== null) parameters.set('marker', marker);
  const query = [...parameters].map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
  return query === '' ? '/v2/images' : `/v2/images?${query}`;
}

function queryOf(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at + 1);
}

/** Python's quote_plus: everything but letters, digits and `_.-~`; a blank is a plus. */
function encode(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}
