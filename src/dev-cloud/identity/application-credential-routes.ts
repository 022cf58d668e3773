import { randomBytes, randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from './caller.ts';
import { callerOf, requireAdminOrSelf } from './caller.ts';
import { forbidden, IdentityFault, notFound } from './fault.ts';
import { hashPassword } from './passwords.ts';
import type { ApplicationCredentialRow, IdentityTables } from './rows.ts';
import type { TokenStore } from './tokens.ts';
import { listView } from './views.ts';

interface CreateBody {
  application_credential?: {
    name?: unknown;
    description?: unknown;
    secret?: unknown;
    expires_at?: unknown;
    unrestricted?: unknown;
    roles?: { id?: string; name?: string }[];
  };
}

/** `/v3/users/{id}/application_credentials`: a user makes them for the project of the token in hand. */
export function applicationCredentialRoutes(
  app: FastifyInstance,
  tables: IdentityTables,
  tokens: TokenStore,
  baseUrl: () => string,
) {
  const path = '/v3/users/:userId/application_credentials';
  type OfUser = { Params: { userId: string } };
  type OfCredential = { Params: { userId: string; id: string } };

  function view(row: ApplicationCredentialRow): Record<string, unknown> {
    return {
      id: row.id,
      name: row.name,
      description: row.description,
      project_id: row.project_id,
      roles: row.role_ids.map((id) => ({ id, name: tables.roles.get(id)?.name, domain_id: null })),
      expires_at: row.expires_at,
      unrestricted: row.unrestricted,
      system: null,
      links: { self: `${baseUrl()}/identity/v3/users/${row.user_id}/application_credentials/${row.id}` },
    };
  }

  /** A restricted application credential must not make or delete others. */
  function refuseRestricted(caller: Caller, action: string): void {
    const id = caller.token.application_credential_id;
    if (id !== null && !tables.applicationCredentials.get(id)?.unrestricted) throw forbidden(action);
  }

  function find(request: FastifyRequest<OfCredential>): ApplicationCredentialRow {
    const row = tables.applicationCredentials.get(request.params.id);
    if (row?.user_id !== request.params.userId) throw notFound('Application Credential', request.params.id);
    return row;
  }

  app.post<OfUser & { Body: CreateBody }>(path, async (request, reply) => {
    const action = 'identity:create_application_credential';
    const caller = callerOf(request, tokens);
    if (caller.token.user_id !== request.params.userId || caller.token.project_id === null) throw forbidden(action);
    refuseRestricted(caller, action);
    const wanted = request.body?.application_credential;
    if (!wanted || typeof wanted.name !== 'string' || wanted.name === '') {
      throw new IdentityFault(400, "Invalid input for field 'name': a string that is not empty is required.");
    }
    const mine = tables.applicationCredentials.all().filter((row) => row.user_id === request.params.userId);
    if (mine.some((row) => row.name === wanted.name)) {
      throw new IdentityFault(
        409,
        `Conflict occurred attempting to store application_credential - Duplicate entry found with name ${wanted.name}.`,
      );
    }
    const held = tokens.rolesOf(caller.token);
    const roles = wanted.roles?.length
      ? wanted.roles.map((asked) => {
          const role = held.find((candidate) => candidate.id === asked.id || candidate.name === asked.name);
          if (!role)
            throw new IdentityFault(
              400,
              `Invalid application credential: the user lacks role ${asked.id ?? asked.name}.`,
            );
          return role;
        })
      : held;
    const secret = typeof wanted.secret === 'string' ? wanted.secret : randomBytes(64).toString('base64url');
    const row: ApplicationCredentialRow = {
      id: randomUUID().replaceAll('-', ''),
      name: wanted.name,
      description: typeof wanted.description === 'string' ? wanted.description : null,
      user_id: request.params.userId,
      project_id: caller.token.project_id,
      role_ids: roles.map((role) => role.id),
      unrestricted: wanted.unrestricted === true,
      expires_at: endOf(wanted.expires_at),
      secret_hash: hashPassword(secret),
    };
    tables.applicationCredentials.put(row);
    reply.code(201);
    // The only time the secret is shown.
    return { application_credential: { ...view(row), secret } };
  });

  app.get<OfUser>(path, async (request) => {
    requireAdminOrSelf(callerOf(request, tokens), request.params.userId, 'identity:list_application_credentials');
    const rows = tables.applicationCredentials.all().filter((row) => row.user_id === request.params.userId);
    return listView('application_credentials', rows, view, request, baseUrl());
  });

  app.get<OfCredential>(`${path}/:id`, async (request) => {
    requireAdminOrSelf(callerOf(request, tokens), request.params.userId, 'identity:get_application_credential');
    return { application_credential: view(find(request)) };
  });

  app.delete<OfCredential>(`${path}/:id`, async (request, reply) => {
    const action = 'identity:delete_application_credential';
    const caller = callerOf(request, tokens);
    requireAdminOrSelf(caller, request.params.userId, action);
    refuseRestricted(caller, action);
    const row = find(request);
    tables.applicationCredentials.delete(row.id);
    tokens.revokeOfApplicationCredential(row.id);
    return reply.code(204).send();
  });
}

function endOf(given: unknown): string | null {
  if (given === undefined || given === null) return null;
  const ms = typeof given === 'string' ? Date.parse(/Z|[+-]\d\d:\d\d$/.test(given) ? given : `${given}Z`) : Number.NaN;
  if (Number.isNaN(ms)) throw new IdentityFault(400, "Invalid input for field 'expires_at': not an ISO 8601 time.");
  if (ms <= Date.now()) throw new IdentityFault(400, 'Invalid application credential: the end lies in the past.');
  return new Date(ms).toISOString();
}
