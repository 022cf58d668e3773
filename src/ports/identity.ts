/** Whom Kiln is at Keystone. */
export interface AuthenticatedAs {
  projectId: string;
  projectName: string;
  userId: string;
  userName: string;
  roles: readonly string[];
  /** End of the token in force, ISO 8601 UTC. */
  expiresAt: string;
}

/** Keystone. One token is shared by all callers and renewed before it ends. */
export interface IdentityService {
  authenticatedAs(): Promise<AuthenticatedAs>;
  /** URL of a service by its type (image, compute, network …), as the catalog or a configured override gives it. */
  endpoint(serviceType: string): Promise<string>;
}
