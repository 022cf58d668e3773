import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as read from './body.ts';
import { type Compute, selfLinks } from './compute.ts';
import { conflict, notFound, policyFault } from './fault.ts';
import { page, queryOf } from './paging.ts';
import type { FlavorRow } from './rows.ts';

type One = { Params: { id: string } };
type Spec = { Params: { id: string; key: string } };

export function flavorRoutes(app: FastifyInstance, compute: Compute): void {
  const { tables } = compute;

  function find(request: FastifyRequest<{ Params: { id: string } }>): FlavorRow {
    const { user } = compute.callOf(request);
    const row = tables.flavors.get(request.params.id);
    if (!row || (!row.isPublic && !user.isAdmin)) throw notFound(`Flavor ${request.params.id} could not be found.`);
    return row;
  }
  function requireAdmin(request: FastifyRequest, action: string): void {
    if (!compute.callOf(request).user.isAdmin) throw policyFault(action);
  }

  for (const [path, inDetail] of [
    ['/v2.1/flavors', false],
    ['/v2.1/flavors/detail', true],
  ] as const) {
    app.get(path, async (request) => {
      const { user, minor } = compute.callOf(request);
      const query = queryOf(request);
      const minimum = (key: string) => Number(query.get(key) ?? 0) || 0;
      const all = tables.flavors
        .all()
        .filter((row) => isListed(row, query.get('is_public'), user.isAdmin))
        .filter((row) => row.ramMiB >= minimum('minRam') && row.diskGiB >= minimum('minDisk'))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
      const { rows, links } = page(all, query, `${compute.baseUrl()}${path}`);
      const flavors = rows.map((row) => (inDetail ? detailed(compute, row, minor) : basic(compute, row, minor)));
      return { flavors, ...(links.length > 0 ? { flavors_links: links } : {}) };
    });
  }

  app.get<One>('/v2.1/flavors/:id', async (request) => {
    return { flavor: detailed(compute, find(request), compute.callOf(request).minor) };
  });

  app.post('/v2.1/flavors', async (request) => {
    requireAdmin(request, 'os-flavor-manage:create');
    const { minor } = compute.callOf(request);
    const row = newFlavor(request.body, minor);
    if (tables.flavors.get(row.id)) throw conflict(`Flavor with ID ${row.id} already exists.`);
    if (tables.flavors.all().some(({ name }) => name === row.name)) {
      throw conflict(`Flavor with name ${row.name} already exists.`);
    }
    tables.flavors.put(row);
    return { flavor: detailed(compute, row, minor) };
  });

  app.delete<One>('/v2.1/flavors/:id', async (request, reply) => {
    requireAdmin(request, 'os-flavor-manage:delete');
    tables.flavors.delete(find(request).id);
    return reply.code(202).send();
  });

  app.get<One>('/v2.1/flavors/:id/os-extra_specs', async (request) => ({ extra_specs: find(request).extraSpecs }));
  app.get<Spec>('/v2.1/flavors/:id/os-extra_specs/:key', async (request) => {
    const { id, key } = request.params;
    const value = find(request).extraSpecs[key];
    if (value === undefined) throw notFound(`Flavor ${id} has no extra specs with key ${key}.`);
    return { [key]: value };
  });
  app.post<One>('/v2.1/flavors/:id/os-extra_specs', async (request) => {
    requireAdmin(request, 'os-flavor-extra-specs:create');
    const row = find(request);
    const specs = specsOf(read.envelope(request.body, 'extra_specs'));
    tables.flavors.put({ ...row, extraSpecs: { ...row.extraSpecs, ...specs } });
    return { extra_specs: specs };
  });
  app.put<Spec>('/v2.1/flavors/:id/os-extra_specs/:key', async (request) => {
    requireAdmin(request, 'os-flavor-extra-specs:update');
    const row = find(request);
    const specs = specsOf({ [request.params.key]: read.object(request.body, 'body')[request.params.key] });
    tables.flavors.put({ ...row, extraSpecs: { ...row.extraSpecs, ...specs } });
    return specs;
  });
  app.delete<Spec>('/v2.1/flavors/:id/os-extra_specs/:key', async (request) => {
    requireAdmin(request, 'os-flavor-extra-specs:delete');
    const row = find(request);
    const { [request.params.key]: removed, ...extraSpecs } = row.extraSpecs;
    if (removed === undefined) throw notFound(`Flavor ${row.id} has no extra specs with key ${request.params.key}.`);
    tables.flavors.put({ ...row, extraSpecs });
    return '';
  });
}

/** The flavor inside a server, from 2.47 on: without its ID. */
export function embeddedFlavor(row: FlavorRow) {
  return {
    vcpus: row.vcpus,
    ram: row.ramMiB,
    disk: row.diskGiB,
    ephemeral: row.ephemeralGiB,
    swap: row.swapMiB,
    original_name: row.name,
    extra_specs: row.extraSpecs,
  };
}

/** `is_public` is the administrator's: 'None' is all, else one kind; everybody else sees the public ones. */
function isListed(row: FlavorRow, isPublic: string | null, isAdmin: boolean): boolean {
  if (!isAdmin || isPublic === null) return row.isPublic;
  if (isPublic.toLowerCase() === 'none') return true;
  return row.isPublic === read.boolean(isPublic, 'is_public');
}

function basic(compute: Compute, row: FlavorRow, minor: number) {
  return {
    id: row.id,
    name: row.name,
    ...(minor >= 55 ? { description: row.description } : {}),
    links: selfLinks(compute, 'flavors', row.id),
  };
}

function detailed(compute: Compute, row: FlavorRow, minor: number) {
  return {
    id: row.id,
    name: row.name,
    ram: row.ramMiB,
    disk: row.diskGiB,
    swap: row.swapMiB === 0 && minor < 75 ? '' : row.swapMiB,
    'OS-FLV-EXT-DATA:ephemeral': row.ephemeralGiB,
    'OS-FLV-DISABLED:disabled': false,
    vcpus: row.vcpus,
    'os-flavor-access:is_public': row.isPublic,
    rxtx_factor: row.rxtxFactor,
    links: selfLinks(compute, 'flavors', row.id),
    ...(minor >= 55 ? { description: row.description } : {}),
    ...(minor >= 61 ? { extra_specs: row.extraSpecs } : {}),
  };
}

function newFlavor(body: unknown, minor: number): FlavorRow {
  const flavor = read.envelope(body, 'flavor');
  const optional = [
    ...['id', 'OS-FLV-EXT-DATA:ephemeral', 'swap', 'rxtx_factor', 'os-flavor-access:is_public'],
    ...(minor >= 55 ? ['description'] : []),
  ];
  read.checkKeys(flavor, 'flavor', ['name', 'ram', 'vcpus', 'disk'], optional);
  const number = (key: string, minimum: number) =>
    read.optional(flavor[key], (value) => read.integer(value, key, minimum)) ?? 0;
  const id = flavor.id ?? 'auto';
  return {
    id: id === 'auto' ? randomUUID() : read.name(String(id), 'id'),
    name: read.name(flavor.name, 'name'),
    ramMiB: number('ram', 1),
    vcpus: number('vcpus', 1),
    diskGiB: number('disk', 0),
    ephemeralGiB: number('OS-FLV-EXT-DATA:ephemeral', 0),
    swapMiB: number('swap', 0),
    rxtxFactor: Number(flavor.rxtx_factor ?? 1),
    isPublic:
      read.optional(flavor['os-flavor-access:is_public'], (value) =>
        read.boolean(value, 'os-flavor-access:is_public'),
      ) ?? true,
    description: read.optional(flavor.description, (value) => read.string(value, 'description', 0, 65_535)),
    extraSpecs: {},
  };
}

function specsOf(specs: read.Body): Record<string, string> {
  return Object.fromEntries(
    Object.entries(specs).map(([key, value]) => [
      key,
      typeof value === 'number' ? String(value) : read.string(value, key),
    ]),
  );
}
