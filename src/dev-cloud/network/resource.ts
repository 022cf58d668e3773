import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { CloudUser } from '../context.ts';
import { badRequest, NetworkFault } from './fault.ts';
import { listViews, selectFields, type View } from './query.ts';

/** What a caller sent, inside the resource's own envelope. */
export type Attributes = Record<string, unknown>;

/** One kind of thing in Neutron. `name` and `collection` are as in bodies. */
export interface Resource<Row extends { id: string }> {
  name: string;
  collection: string;
  /** Below /v2.0. Default: the collection, with dashes for underscores. */
  path?: string;
  /** Neutron's exception for one that is not there, and its words. */
  notFound(id: string): NetworkFault;
  all(): Row[];
  get(id: string): Row | undefined;
  /** Whether the user may see it. */
  isVisible(row: Row, user: CloudUser): boolean;
  view(row: Row, user: CloudUser): View;
  /** Attributes that lists can be filtered by, besides those of the view. */
  extraFilters?: readonly string[];
  /** Attributes of the view that a POST may set, and those of them that it must. */
  creatable: readonly string[];
  required: readonly string[];
  updatable: readonly string[];
  /** `attributes` has passed the checks above; its `project_id` is the owner of the new row. */
  create(attributes: Attributes & { project_id: string }, user: CloudUser): Row;
  update(row: Row, attributes: Attributes, user: CloudUser): Row;
  delete(row: Row, user: CloudUser): void;
  /** Fields that only the answer to a POST has. */
  createdOnly?: View;
}

/**
 * List, show, create, update and delete with Neutron's rules, which are the same for every resource
 * (neutron/api/v2/base.py).
 */
export function resourceRoutes<Row extends { id: string }>(
  app: FastifyInstance,
  resource: Resource<Row>,
  userOf: (request: FastifyRequest) => CloudUser,
  baseUrl: () => string,
): void {
  const path = `/v2.0${resource.path ?? `/${resource.collection.replaceAll('_', '-')}`}`;
  const one = `${path}/:id`;
  type One = { Params: { id: string } };

  function find(request: FastifyRequest<One>): Row {
    const row = resource.get(request.params.id);
    if (!row || !resource.isVisible(row, userOf(request))) throw resource.notFound(request.params.id);
    return row;
  }

  app.get(path, async (request) => {
    const user = userOf(request);
    const query = queryOf(request);
    const views = candidates(resource, query)
      .filter((row) => resource.isVisible(row, user))
      .map((row) => resource.view(row, user));
    return listViews(views, query, filterable(resource), {
      name: resource.collection,
      url: `${baseUrl()}${path}`,
    });
  });

  app.get<One>(one, async (request) => {
    const view = resource.view(find(request), userOf(request));
    return { [resource.name]: selectFields(view, queryOf(request).getAll('fields')) };
  });

  app.post(path, async (request, reply) => {
    const user = userOf(request);
    const create = (attributes: Attributes) => {
      const row = resource.create(withOwner(checkCreate(resource, attributes), user), user);
      return { ...resource.view(row, user), ...resource.createdOnly };
    };
    reply.code(201);
    const several = (request.body as Record<string, unknown> | null)?.[resource.collection];
    if (Array.isArray(several))
      return { [resource.collection]: several.map((item) => create(bodyObject(item, resource))) };
    return { [resource.name]: create(envelope(request.body, resource)) };
  });

  app.put<One>(one, async (request) => {
    const user = userOf(request);
    const row = find(request);
    const attributes = envelope(request.body, resource);
    for (const key of Object.keys(attributes)) {
      if (!known(resource).has(key)) throw badRequest(`Unrecognized attribute(s) '${key}'`);
      if (!resource.updatable.includes(key)) throw badRequest(`Cannot update read-only attribute ${key}`);
    }
    return { [resource.name]: resource.view(resource.update(row, attributes, user), user) };
  });

  app.delete<One>(one, async (request, reply) => {
    resource.delete(find(request), userOf(request));
    return reply.code(204).send();
  });
}

/** Rows that may match: those filters first that rule out nearly all rows, before anything is rendered. */
function candidates<Row extends { id: string }>(resource: Resource<Row>, query: URLSearchParams): Row[] {
  const telling = ['id', 'name', 'device_id', 'network_id', 'security_group_id'].filter((key) => query.has(key));
  if (telling.length === 0) return resource.all();
  const wanted = telling.map((key) => [key, new Set(query.getAll(key))] as const);
  return resource.all().filter((row) =>
    wanted.every(([key, values]) => {
      const value = (row as Record<string, unknown>)[key];
      return typeof value !== 'string' || values.has(value);
    }),
  );
}

function queryOf(request: FastifyRequest): URLSearchParams {
  return new URL(request.url, 'http://cloud').searchParams;
}

function known<Row extends { id: string }>(resource: Resource<Row>): Set<string> {
  return new Set([...resource.creatable, ...resource.updatable, 'project_id', 'tenant_id', 'id']);
}

/** Neutron marks most attributes as filters; lists of rules, pools and the like are not. */
function filterable<Row extends { id: string }>(resource: Resource<Row>): Set<string> {
  const always = ['id', 'name', 'description', 'project_id', 'tenant_id', 'status', 'revision_number'];
  const tags = ['tags', 'tags-any', 'not-tags', 'not-tags-any'];
  return new Set([...always, ...tags, ...resource.creatable, ...(resource.extraFilters ?? [])]);
}

function envelope<Row extends { id: string }>(body: unknown, resource: Resource<Row>): Attributes {
  if (typeof body !== 'object' || body === null) throw badRequest('Resource body required');
  if (!(resource.name in body)) throw badRequest(`Unable to find '${resource.name}' in request body`);
  return bodyObject((body as Record<string, unknown>)[resource.name], resource);
}

function bodyObject<Row extends { id: string }>(value: unknown, resource: Resource<Row>): Attributes {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest(`Object '${resource.name}' contains invalid data`);
  }
  return value as Attributes;
}

function checkCreate<Row extends { id: string }>(resource: Resource<Row>, attributes: Attributes): Attributes {
  const allowed = new Set([...resource.creatable, 'project_id', 'tenant_id']);
  const unknown = Object.keys(attributes).filter((key) => !allowed.has(key));
  if (unknown.length > 0) throw badRequest(`Unrecognized attribute(s) '${unknown.join(', ')}'`);
  const missing = resource.required.find((key) => attributes[key] === undefined);
  if (missing) throw badRequest(`Failed to parse request. Required attribute '${missing}' not specified`);
  return attributes;
}

/** Only an administrator may create for another project. */
function withOwner(attributes: Attributes, user: CloudUser): Attributes & { project_id: string } {
  const owner = attributes.project_id ?? attributes.tenant_id;
  if (typeof owner === 'string' && owner !== user.projectId && !user.isAdmin) {
    throw new NetworkFault(403, 'PolicyNotAuthorized', 'rule:admin_or_owner is disallowed by policy');
  }
  return { ...attributes, project_id: typeof owner === 'string' ? owner : user.projectId };
}
