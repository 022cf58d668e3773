import { createHash, randomBytes } from 'node:crypto';
import type { CloudUser } from '../context.ts';
import { catalog } from './catalog.ts';
import type { IdentityTables, RoleRow, TokenRow } from './rows.ts';
import { rolesOf } from './rows.ts';

/** What a proof of identity led to, before a token is written for it. */
export interface Grant {
  userId: string;
  projectId: string | null;
  methods: string[];
  applicationCredentialId: string | null;
  /** Audit ID of the token this one was got with. */
  parentAuditId: string | null;
  /** A token that was got with another ends with it. Milliseconds since 1970. */
  latestEndMs: number | null;
}

export interface TokenStore {
  /** Writes a token; returns the secret that callers send as X-Auth-Token. */
  issue(grant: Grant): { token: string; row: TokenRow };
  /** Null when unknown, revoked, expired, or when the user lost every role in the project. */
  find(token: string | undefined): TokenRow | null;
  revoke(row: TokenRow): void;
  revokeOfApplicationCredential(applicationCredentialId: string): void;
  rolesOf(row: TokenRow): RoleRow[];
  cloudUser(row: TokenRow): CloudUser | null;
  /** The `token` object of Keystone's answers. */
  view(row: TokenRow, baseUrl: string, withCatalog: boolean): Record<string, unknown>;
}

const hash = (token: string) => createHash('sha256').update(token).digest('hex');
const auditId = () => randomBytes(16).toString('base64url');
/** Keystone writes microseconds. */
const timestamp = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, '.000000Z');

export function createTokenStore(tables: IdentityTables, lifetimeSeconds: number): TokenStore {
  function dropExpired(nowMs: number): void {
    for (const row of tables.tokens.all()) if (row.expires_at_ms <= nowMs) tables.tokens.delete(row.id);
  }

  function roles(row: TokenRow): RoleRow[] {
    if (row.project_id === null) return [];
    const held = rolesOf(tables, row.user_id, row.project_id);
    if (row.application_credential_id === null) return held;
    const delegated = tables.applicationCredentials.get(row.application_credential_id)?.role_ids ?? [];
    return held.filter((role) => delegated.includes(role.id));
  }

  const store: TokenStore = {
    issue(grant) {
      const nowMs = Math.floor(Date.now() / 1000) * 1000;
      dropExpired(nowMs);
      const token = `gAAAAA${randomBytes(48).toString('base64url')}`;
      const row: TokenRow = {
        id: hash(token),
        user_id: grant.userId,
        project_id: grant.projectId,
        methods: grant.methods,
        audit_ids: grant.parentAuditId === null ? [auditId()] : [auditId(), grant.parentAuditId],
        issued_at_ms: nowMs,
        expires_at_ms: Math.min(nowMs + lifetimeSeconds * 1000, grant.latestEndMs ?? Number.POSITIVE_INFINITY),
        application_credential_id: grant.applicationCredentialId,
      };
      tables.tokens.put(row);
      return { token, row };
    },

    find(token) {
      const row = token ? tables.tokens.get(hash(token)) : undefined;
      if (!row || row.expires_at_ms <= Date.now() || !tables.users.get(row.user_id)) return null;
      if (row.project_id !== null && roles(row).length === 0) return null;
      return row;
    },

    revoke: (row) => tables.tokens.delete(row.id),

    revokeOfApplicationCredential(id) {
      for (const row of tables.tokens.all()) if (row.application_credential_id === id) tables.tokens.delete(row.id);
    },

    rolesOf: roles,

    cloudUser(row) {
      const user = tables.users.get(row.user_id);
      const project = row.project_id === null ? undefined : tables.projects.get(row.project_id);
      if (!user || !project) return null;
      const roleNames = roles(row).map((role) => role.name);
      return {
        userId: user.id,
        userName: user.name,
        projectId: project.id,
        projectName: project.name,
        roles: roleNames,
        isAdmin: roleNames.includes('admin'),
      };
    },

    view(row, baseUrl, withCatalog) {
      const user = tables.users.get(row.user_id);
      const project = row.project_id === null ? undefined : tables.projects.get(row.project_id);
      const credential =
        row.application_credential_id === null
          ? undefined
          : tables.applicationCredentials.get(row.application_credential_id);
      const domain = (id: string | undefined) => ({ id, name: tables.domains.get(id ?? '')?.name });
      return {
        methods: row.methods,
        user: { domain: domain(user?.domain_id), id: user?.id, name: user?.name, password_expires_at: null },
        audit_ids: row.audit_ids,
        expires_at: timestamp(row.expires_at_ms),
        issued_at: timestamp(row.issued_at_ms),
        ...(project && {
          project: { domain: domain(project.domain_id), id: project.id, name: project.name },
          is_domain: false,
          roles: roles(row).map(({ id, name }) => ({ id, name })),
          ...(withCatalog && { catalog: catalog(tables, baseUrl) }),
        }),
        ...(credential && {
          application_credential: {
            id: credential.id,
            name: credential.name,
            restricted: !credential.unrestricted,
          },
        }),
      };
    },
  };
  return store;
}
