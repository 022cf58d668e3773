/** Served without `lbaas` alone: the administrator's, and what Octavia does not have. */
const apart = /^\/(?:lbaas|octavia|kiln)(?=[/?]|$)/;

/**
 * Octavia serves one API with and without `lbaas`, under both spellings of the version; routes have one of the four names.
 * @param url as it was asked for: path and query.
 * @returns the same under `/v2/lbaas`, or under `/v2` what is served there alone; what is no name of the API as it is.
 */
export function canonicalUrl(url: string): string {
  const [version] = /^\/v2(?:\.0)?(?=[/?]|$)/.exec(url) ?? [];
  if (version === undefined) return url;
  const rest = url.slice(version.length);
  return apart.test(rest) ? `/v2${rest}` : `/v2/lbaas${rest}`;
}
