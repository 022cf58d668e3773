import type { CloudState, Table } from '../state.ts';

/** What Keystone remembers. Names follow its API, so that a row is nearly what the API shows. */
export interface DomainRow {
  id: string;
  name: string;
  description: string;
}

export interface ProjectRow {
  id: string;
  name: string;
  domain_id: string;
  description: string;
}

export interface UserRow {
  id: string;
  name: string;
  domain_id: string;
  /** scrypt, see passwords.ts. */
  password_hash: string;
}

export interface RoleRow {
  id: string;
  name: string;
}

/** A role that a user holds in a project. The ID is made of the three, so that a grant exists once. */
export interface AssignmentRow {
  id: string;
  user_id: string;
  project_id: string;
  role_id: string;
}

export interface ApplicationCredentialRow {
  id: string;
  name: string;
  description: string | null;
  user_id: string;
  project_id: string;
  role_ids: string[];
  unrestricted: boolean;
  /** ISO 8601 UTC, or null for one that never ends. */
  expires_at: string | null;
  secret_hash: string;
}

export interface TokenRow {
  /** SHA-256 of the token: whoever reads the state file can't use it. */
  id: string;
  user_id: string;
  /** Null: unscoped. */
  project_id: string | null;
  methods: string[];
  audit_ids: string[];
  issued_at_ms: number;
  expires_at_ms: number;
  application_credential_id: string | null;
}

export interface EndpointRow {
  id: string;
  interface: 'public' | 'internal' | 'admin';
}

/** A service of the catalog. The URL of the cloud's own ones follows from the address that it listens on. */
export interface ServiceRow {
  id: string;
  type: string;
  name: string;
  /** What follows the cloud's base URL. */
  path: string;
  /** Of a service that is somebody else's: where that listens. */
  url?: string;
  endpoints: EndpointRow[];
}

export interface IdentityTables {
  domains: Table<DomainRow>;
  projects: Table<ProjectRow>;
  users: Table<UserRow>;
  roles: Table<RoleRow>;
  assignments: Table<AssignmentRow>;
  applicationCredentials: Table<ApplicationCredentialRow>;
  tokens: Table<TokenRow>;
  services: Table<ServiceRow>;
}

export function identityTables(state: CloudState): IdentityTables {
  return {
    domains: state.table('domains'),
    projects: state.table('projects'),
    users: state.table('users'),
    roles: state.table('roles'),
    assignments: state.table('role-assignments'),
    applicationCredentials: state.table('application-credentials'),
    tokens: state.table('tokens'),
    services: state.table('services'),
  };
}

/** Roles that a role brings with it, as a fresh Keystone sets them up. */
const impliedRoles: Record<string, readonly string[]> = { admin: ['member', 'reader'], member: ['reader'] };

/** The roles of a user in a project, with what they imply, in the order in which the roles were created. */
export function rolesOf(tables: IdentityTables, userId: string, projectId: string): RoleRow[] {
  const names = new Set<string>();
  for (const grant of tables.assignments.all()) {
    if (grant.user_id !== userId || grant.project_id !== projectId) continue;
    const role = tables.roles.get(grant.role_id);
    if (!role) continue;
    names.add(role.name);
    for (const implied of impliedRoles[role.name] ?? []) names.add(implied);
  }
  return tables.roles.all().filter((role) => names.has(role.name));
}
