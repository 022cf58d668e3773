import type { Route } from '../router.ts';

/** The version of the API that this agent speaks: Octavia's. */
export const apiVersion = '1.0';

/** `GET /`: version discovery. */
export function discoveryRoutes(): Route[] {
  return [{ method: 'GET', path: '/', handle: async () => ({ status: 200, body: { api_version: apiVersion } }) }];
}
