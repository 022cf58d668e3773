/** What a reference names in the folder: a UUID, lower case. */
export type SecretId = string;

/**
 * The UUID of a reference: bare, or the last part of a URL's path, as the hrefs of Barbican's secrets and containers
 * have it. Null for anything else; so no reference is ever a path.
 */
export function secretIdOf(reference: string): SecretId | null {
  const match = /^(?:https?:\/\/[^\s?#]{1,2000}\/)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/?$/i.exec(reference);
  return match?.[1]?.toLowerCase() ?? null;
}
