import type { FastifyInstance, FastifyRequest } from 'fastify';
import { callerOf, requireAdmin, requireAdminOrSelf } from './caller.ts';
import { regionId } from './catalog.ts';
import { forbidden, notFound } from './fault.ts';
import type { IdentityTables } from './rows.ts';
import { rolesOf } from './rows.ts';
import type { TokenStore } from './tokens.ts';
import * as views from './views.ts';

interface Collection<Row> {
  /** Plural and singular, as in the path and the body. */
  name: string;
  item: string;
  rows: () => Row[];
  id: (row: Row) => string;
  view: (row: Row, baseUrl: string) => Record<string, unknown>;
  /** Who but an administrator may read one item. */
  readableBy?: (request: FastifyRequest, row: Row) => boolean;
}

/** Read-only views of projects, users, roles, domains, services, endpoints and regions: what clients look names up in. */
export function resourceRoutes(
  app: FastifyInstance,
  tables: IdentityTables,
  tokens: TokenStore,
  baseUrl: () => string,
) {
  function serve<Row>(collection: Collection<Row>): void {
    app.get(`/v3/${collection.name}`, async (request) => {
      requireAdmin(callerOf(request, tokens), `identity:list_${collection.name}`);
      const view = (row: Row) => collection.view(row, baseUrl());
      return views.listView(collection.name, collection.rows(), view, request, baseUrl());
    });
    app.get<{ Params: { id: string } }>(`/v3/${collection.name}/:id`, async (request) => {
      const caller = callerOf(request, tokens);
      const row = collection.rows().find((candidate) => collection.id(candidate) === request.params.id);
      if (!caller.isAdmin && !(row && collection.readableBy?.(request, row))) {
        throw forbidden(`identity:get_${collection.item}`);
      }
      if (!row) throw notFound(collection.item, request.params.id);
      return { [collection.item]: collection.view(row, baseUrl()) };
    });
  }

  const ownProject = (request: FastifyRequest, { id }: { id: string }) =>
    rolesOf(tables, callerOf(request, tokens).token.user_id, id).length > 0;

  serve({
    name: 'projects',
    item: 'project',
    rows: () => tables.projects.all(),
    id: (row) => row.id,
    view: views.projectView,
    readableBy: ownProject,
  });
  serve({
    name: 'users',
    item: 'user',
    rows: () => tables.users.all(),
    id: (row) => row.id,
    view: views.userView,
    readableBy: (request, row) => callerOf(request, tokens).token.user_id === row.id,
  });
  serve({
    name: 'roles',
    item: 'role',
    rows: () => tables.roles.all(),
    id: (row) => row.id,
    view: views.roleView,
  });
  serve({
    name: 'domains',
    item: 'domain',
    rows: () => tables.domains.all(),
    id: (row) => row.id,
    view: views.domainView,
    readableBy: () => true,
  });
  serve({
    name: 'services',
    item: 'service',
    rows: () => tables.services.all(),
    id: (row) => row.id,
    view: views.serviceView,
  });
  serve({
    name: 'endpoints',
    item: 'endpoint',
    rows: () =>
      tables.services.all().flatMap((service) => service.endpoints.map((endpoint) => ({ service, endpoint }))),
    id: (row) => row.endpoint.id,
    view: (row, url) => views.endpointView(row.service, row.endpoint, url),
  });

  app.get('/v3/regions', async (request) => {
    callerOf(request, tokens);
    return views.listView('regions', [regionId], () => views.regionView(baseUrl()), request, baseUrl());
  });

  app.get<{ Params: { id: string } }>('/v3/users/:id/projects', async (request) => {
    requireAdminOrSelf(callerOf(request, tokens), request.params.id, 'identity:list_user_projects');
    const rows = tables.projects.all().filter((project) => rolesOf(tables, request.params.id, project.id).length > 0);
    return views.listView('projects', rows, (row) => views.projectView(row, baseUrl()), request, baseUrl());
  });

  app.get('/v3/role_assignments', async (request) => {
    requireAdmin(callerOf(request, tokens), 'identity:list_role_assignments');
    const query = request.query as Record<string, string>;
    const withNames = Object.hasOwn(query, 'include_names');
    // There are users with roles in projects, and no other assignments.
    const others = ['group.id', 'scope.system', 'scope.domain.id', 'scope.OS-INHERIT:inherited_to'];
    const rows = (others.some((key) => query[key]) ? [] : tables.assignments.all())
      .filter((row) => !query['user.id'] || row.user_id === query['user.id'])
      .filter((row) => !query['scope.project.id'] || row.project_id === query['scope.project.id'])
      .filter((row) => !query['role.id'] || row.role_id === query['role.id']);
    const named = (row: { id: string; name: string; domain_id?: string } | undefined) => {
      if (!row || !withNames) return { id: row?.id };
      const { id, name, domain_id: domainId } = row;
      if (domainId === undefined) return { id, name };
      return { id, name, domain: { id: domainId, name: tables.domains.get(domainId)?.name } };
    };
    return {
      role_assignments: rows.map((row) => ({
        role: named(tables.roles.get(row.role_id)),
        scope: { project: named(tables.projects.get(row.project_id)) },
        user: named(tables.users.get(row.user_id)),
        links: {},
      })),
      links: { next: null, self: `${baseUrl()}/identity/v3/role_assignments`, previous: null },
    };
  });
}
