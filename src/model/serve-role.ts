/** What one process of `kiln serve` does. */
export const serveRoles = ['api', 'worker', 'health-manager', 'housekeeping'] as const;
export type ServeRole = (typeof serveRoles)[number];
