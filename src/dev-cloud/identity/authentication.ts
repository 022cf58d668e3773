import { IdentityFault, unauthorized } from './fault.ts';
import { hashPassword, passwordMatches } from './passwords.ts';
import type { ApplicationCredentialRow, IdentityTables, ProjectRow, TokenRow, UserRow } from './rows.ts';
import { rolesOf } from './rows.ts';
import type { Grant, TokenStore } from './tokens.ts';

type Json = Record<string, unknown>;

/** Checked when there is no such user, so that an unknown name takes as long as a wrong password. */
let nobodysHash: string | undefined;
function nobodysPassword(): string {
  nobodysHash ??= hashPassword('nobody');
  return nobodysHash;
}

function malformed(message: string): IdentityFault {
  return new IdentityFault(400, message);
}

function object(value: unknown, name: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw malformed(`Invalid input for field '${name}': an object is required.`);
}

/**
 * Turns the body of `POST /v3/auth/tokens` into a grant: who it is (methods password, token, application_credential) and
 * the project asked for. 400 for a body of another shape, 401 for everything that is wrong with the credentials.
 */
export async function authenticate(tables: IdentityTables, tokens: TokenStore, body: unknown): Promise<Grant> {
  const auth = object(object(body, 'body').auth, 'auth');
  const identity = object(auth.identity, 'identity');
  const methods = identity.methods;
  if (!Array.isArray(methods) || methods.length === 0) {
    throw malformed("Invalid input for field 'identity/methods': a list of one or more methods is required.");
  }
  let grant: Grant | null = null;
  for (const method of methods as unknown[]) {
    if (method === 'password') grant = await byPassword(tables, object(identity.password, 'identity/password'));
    else if (method === 'token') grant = byToken(tokens, object(identity.token, 'identity/token'));
    else if (method === 'application_credential') {
      grant = await byApplicationCredential(
        tables,
        object(identity.application_credential, 'identity/application_credential'),
      );
    } else throw unauthorized();
  }
  if (!grant) throw unauthorized();
  return scoped(tables, grant, auth.scope);
}

async function byPassword(tables: IdentityTables, given: Json): Promise<Grant> {
  const description = object(given.user, 'identity/password/user');
  if (typeof description.password !== 'string') {
    throw malformed("Invalid input for field 'identity/password/user/password': a string is required.");
  }
  const user = findUser(tables, description);
  const right = await passwordMatches(description.password, user?.password_hash ?? nobodysPassword());
  if (!user || !right) throw unauthorized();
  return {
    userId: user.id,
    projectId: null,
    methods: ['password'],
    applicationCredentialId: null,
    parentAuditId: null,
    latestEndMs: null,
  };
}

function byToken(tokens: TokenStore, given: Json): Grant {
  const row: TokenRow | null = tokens.find(typeof given.id === 'string' ? given.id : undefined);
  if (!row) throw unauthorized();
  return {
    userId: row.user_id,
    projectId: row.application_credential_id === null ? null : row.project_id,
    methods: [...new Set(['token', ...row.methods])],
    applicationCredentialId: row.application_credential_id,
    parentAuditId: row.audit_ids.at(-1) ?? null,
    latestEndMs: row.expires_at_ms,
  };
}

async function byApplicationCredential(tables: IdentityTables, given: Json): Promise<Grant> {
  if (typeof given.secret !== 'string') throw unauthorized();
  const credential = findApplicationCredential(tables, given);
  const right = await passwordMatches(given.secret, credential?.secret_hash ?? nobodysPassword());
  if (!credential || !right) throw unauthorized();
  const endMs = credential.expires_at === null ? null : Date.parse(credential.expires_at);
  if (endMs !== null && endMs <= Date.now()) throw unauthorized();
  return {
    userId: credential.user_id,
    projectId: credential.project_id,
    methods: ['application_credential'],
    applicationCredentialId: credential.id,
    parentAuditId: null,
    latestEndMs: endMs,
  };
}

/** Adds the project. An application credential brings its own and takes no other. */
function scoped(tables: IdentityTables, grant: Grant, scope: unknown): Grant {
  if (scope === undefined || scope === 'unscoped') return grant;
  if (grant.applicationCredentialId !== null) throw unauthorized();
  const asked = object(scope, 'scope');
  // A domain or the whole system may be asked for as well; no user of this cloud has a role on either.
  if (asked.project === undefined) throw unauthorized();
  const project = findProject(tables, object(asked.project, 'scope/project'));
  if (!project || rolesOf(tables, grant.userId, project.id).length === 0) throw unauthorized();
  return { ...grant, projectId: project.id };
}

function inDomain(tables: IdentityTables, domainId: string, domain: unknown): boolean {
  const { id, name } = object(domain, 'domain');
  if (id !== undefined) return id === domainId;
  return name !== undefined && tables.domains.get(domainId)?.name === name;
}

function findUser(tables: IdentityTables, given: Json): UserRow | undefined {
  if (typeof given.id === 'string') return tables.users.get(given.id);
  return tables.users.all().find((user) => user.name === given.name && inDomain(tables, user.domain_id, given.domain));
}

function findProject(tables: IdentityTables, given: Json): ProjectRow | undefined {
  if (typeof given.id === 'string') return tables.projects.get(given.id);
  return tables.projects
    .all()
    .find((project) => project.name === given.name && inDomain(tables, project.domain_id, given.domain));
}

function findApplicationCredential(tables: IdentityTables, given: Json): ApplicationCredentialRow | undefined {
  if (typeof given.id === 'string') return tables.applicationCredentials.get(given.id);
  const user = findUser(tables, object(given.user, 'identity/application_credential/user'));
  return tables.applicationCredentials
    .all()
    .find((credential) => credential.name === given.name && credential.user_id === user?.id);
}
