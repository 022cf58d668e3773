import type { FastifyRequest } from 'fastify';
import { regionId, serviceUrl } from './catalog.ts';
import type { DomainRow, EndpointRow, ProjectRow, RoleRow, ServiceRow, UserRow } from './rows.ts';

type View = Record<string, unknown>;

const self = (baseUrl: string, collection: string, id: string) => ({
  self: `${baseUrl}/identity/v3/${collection}/${id}`,
});

export function domainView(row: DomainRow, baseUrl: string): View {
  return { ...row, enabled: true, tags: [], options: {}, links: self(baseUrl, 'domains', row.id) };
}

export function projectView(row: ProjectRow, baseUrl: string): View {
  return {
    ...row,
    enabled: true,
    parent_id: row.domain_id,
    is_domain: false,
    tags: [],
    options: {},
    links: self(baseUrl, 'projects', row.id),
  };
}

export function userView(row: UserRow, baseUrl: string): View {
  return {
    id: row.id,
    name: row.name,
    domain_id: row.domain_id,
    enabled: true,
    password_expires_at: null,
    options: {},
    links: self(baseUrl, 'users', row.id),
  };
}

export function roleView(row: RoleRow, baseUrl: string): View {
  return { ...row, domain_id: null, description: null, options: {}, links: self(baseUrl, 'roles', row.id) };
}

export function serviceView(row: ServiceRow, baseUrl: string): View {
  return { id: row.id, name: row.name, type: row.type, enabled: true, links: self(baseUrl, 'services', row.id) };
}

export function endpointView(service: ServiceRow, endpoint: EndpointRow, baseUrl: string): View {
  return {
    id: endpoint.id,
    interface: endpoint.interface,
    region_id: regionId,
    service_id: service.id,
    url: serviceUrl(service, baseUrl),
    enabled: true,
    region: regionId,
    links: self(baseUrl, 'endpoints', endpoint.id),
  };
}

export function regionView(baseUrl: string): View {
  return { id: regionId, description: '', parent_region_id: null, links: self(baseUrl, 'regions', regionId) };
}

/**
 * A collection, narrowed by the query: every parameter that names a field of the view has to equal it. Keystone ignores
 * parameters it does not know.
 */
export function listView<Row>(
  name: string,
  rows: readonly Row[],
  view: (row: Row) => View,
  request: FastifyRequest,
  baseUrl: string,
): View {
  const query = Object.entries(request.query as Record<string, string>);
  const items = rows
    .map(view)
    .filter((item) => query.every(([key, value]) => !(key in item) || matches(item[key], value)));
  return { [name]: items, links: { next: null, self: `${baseUrl}${request.url.split('?')[0]}`, previous: null } };
}

function matches(field: unknown, value: string): boolean {
  if (typeof field === 'boolean') return field === !['false', '0', 'False'].includes(value);
  return String(field) === value;
}
