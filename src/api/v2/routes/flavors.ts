import type { FastifyInstance } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { invalidOption, nameTaken, notFound, objectInUse, translated } from '../../../core/lbaas/api-errors.ts';
import type { Flavor, Zone } from '../../../model/flavor.ts';
import type { FlavorKind, FlavorListQuery, Flavors } from '../../../ports/flavor-store.ts';
import type { ApiDeps } from '../deps.ts';
import { listableFields } from '../filters.ts';
import { flavorRepresentations, type profiles } from '../flavor-catalog.ts';
import { invalidMarker, type QueryString, readFields, readListRequest } from '../list-request.ts';
import { pageLinks } from '../page-links.ts';
import { one } from '../schemas/fields.ts';
import * as schemas from '../schemas/flavor.ts';
import { listQuery, nothing, showQuery } from '../schemas/query.ts';
import { profileRoutes } from './flavor-profiles.ts';
import { authorizeAction, type ByKey, findFlavor } from './flavor-tools.ts';
import { pathUrl, pick } from './reads.ts';
import { bodyOf } from './write-tools.ts';

type ProfileKind = keyof typeof profiles;

/**
 * Flavors, availability zones and their profiles (octavia/api/v2/controllers/{flavors,flavor_profiles,
 * availability_zones,availability_zone_profiles}.py). They belong to no project.
 */
export function flavorRoutes(app: FastifyInstance, deps: ApiDeps): void {
  for (const kind of Object.keys(flavorRepresentations) as FlavorKind[]) readsAndDeletion(app, deps, kind);
  flavorWrites(app, deps);
  zoneWrites(app, deps);
  profileRoutes(app, deps);
}

function readsAndDeletion<Kind extends FlavorKind>(app: FastifyInstance, deps: ApiDeps, kind: Kind): void {
  const { flavors } = deps;
  const representation = flavorRepresentations[kind];
  const path = `/${representation.path}`;
  const keyOf = (row: Flavors[Kind]) => String((row as unknown as Record<string, unknown>)[representation.key]);

  const listSchema = {
    querystring: listQuery(listableFields[kind], { tags: false }),
    response: { 200: schemas.page(representation.many, representation.links, representation.view) },
  };
  app.get(path, { schema: listSchema }, async (request) => {
    authorizeAction(deps, request, kind, 'get_all');
    const asked = readListRequest(listableFields[kind], request.query as QueryString, deps.paging.maximum);
    const query = flavorQuery(asked.query);
    const rows = asked.nothing ? [] : await flavors.list(kind, query);
    const { marker } = asked.page;
    if (rows.length === 0 && marker !== null && !(await flavors.get(kind, marker))) throw invalidMarker(marker);
    return {
      [representation.many]: rows.map((row) => pick(representation.toWire(row), asked.fields)),
      [representation.links]: pageLinks(pathUrl(request, deps.paging.baseUri), asked.page, rows.map(keyOf)),
    };
  });

  const showSchema = { querystring: showQuery(), response: { 200: one(representation.one, representation.view) } };
  app.get<ByKey>(`${path}/:key`, { schema: showSchema }, async (request) => {
    authorizeAction(deps, request, kind, 'get_one');
    const found = await findFlavor(deps, kind, request.params.key);
    return { [representation.one]: pick(representation.toWire(found), readFields(request.query as QueryString)) };
  });

  app.delete<ByKey>(`${path}/:key`, { schema: { response: { 204: nothing() } } }, async (request, reply) => {
    authorizeAction(deps, request, kind, 'delete');
    const { key } = request.params;
    const { titleWhenDeleted } = representation;
    await translated(flavors.delete(kind, key), {
      RESOURCE_NOT_FOUND: () => notFound(titleWhenDeleted, key),
      RESOURCE_CONFLICT: () => objectInUse(titleWhenDeleted, key),
    });
    return reply.code(204).send();
  });
}

/** These lists take one value a filter. */
function flavorQuery(query: ReturnType<typeof readListRequest>['query']): FlavorListQuery {
  const { filters, sort, limit, marker, reverse } = query;
  const single = Object.entries(filters).map(([field, [value]]) => [field, value]);
  return {
    filters: Object.fromEntries(single) as FlavorListQuery['filters'],
    sort,
    limit,
    ...(marker === undefined ? {} : { marker, reverse: reverse ?? false }),
  };
}

/** What both kinds that have a profile do when they are made or changed. */
function writes<Kind extends 'flavor' | 'availabilityZone', Create extends TSchema, Update extends TSchema>(
  app: FastifyInstance,
  deps: ApiDeps,
  kind: Kind,
  bodies: { create: Create; update: Update },
  make: (body: Static<Create>) => Flavors[Kind],
  change: (body: Static<Update>) => Partial<Flavors[Kind]>,
): void {
  const { flavors } = deps;
  const { path, one: key, view, toWire, title } = flavorRepresentations[kind];
  const answer = one(key, view);
  const word = kind === 'flavor' ? 'flavor' : 'availability zone';

  app.post(`/${path}`, { schema: { body: bodies.create, response: { 201: answer } } }, async (request, reply) => {
    authorizeAction(deps, request, kind, 'post');
    const row = make(bodyOf(request, bodies.create));
    const { profileKind, profileId } = profileOf(row);
    await findFlavor(deps, profileKind, profileId);
    await translated(flavors.insert(kind, row), {
      RESOURCE_CONFLICT: () => nameTaken(word, row.name),
      RESOURCE_NOT_FOUND: () => notFound(flavorRepresentations[profileKind].title, profileId),
    });
    return reply.code(201).send({ [key]: toWire(row) });
  });

  app.put<ByKey>(`/${path}/:key`, { schema: { body: bodies.update, response: { 200: answer } } }, async (request) => {
    authorizeAction(deps, request, kind, 'put');
    await findFlavor(deps, kind, request.params.key);
    const patch = change(bodyOf(request, bodies.update));
    const row = await translated(flavors.update(kind, request.params.key, patch), {
      RESOURCE_CONFLICT: () => nameTaken(word, String(patch.name)),
      RESOURCE_NOT_FOUND: () => notFound(title, request.params.key),
    });
    return { [key]: toWire(row) };
  });
}

function profileOf(row: Flavor | Zone): { profileKind: ProfileKind; profileId: string } {
  return 'flavorProfileId' in row
    ? { profileKind: 'flavorProfile', profileId: row.flavorProfileId }
    : { profileKind: 'availabilityZoneProfile', profileId: row.availabilityZoneProfileId };
}

/** Null means the default, as everywhere in the API. */
const described = (wish: { description?: string | null; enabled?: boolean | null }) => ({
  ...(wish.description === undefined ? {} : { description: wish.description ?? '' }),
  ...(wish.enabled === undefined ? {} : { enabled: wish.enabled ?? true }),
});

function flavorWrites(app: FastifyInstance, deps: ApiDeps): void {
  writes(
    app,
    deps,
    'flavor',
    { create: schemas.flavorCreateBody, update: schemas.flavorUpdateBody },
    ({ flavor }): Flavor => ({
      id: crypto.randomUUID(),
      name: flavor.name,
      description: flavor.description ?? '',
      enabled: flavor.enabled ?? true,
      flavorProfileId: flavor.flavor_profile_id,
    }),
    ({ flavor }) => {
      if (flavor.name === null) throw invalidOption('None', 'name');
      return { ...(flavor.name === undefined ? {} : { name: flavor.name }), ...described(flavor) };
    },
  );
}

function zoneWrites(app: FastifyInstance, deps: ApiDeps): void {
  writes(
    app,
    deps,
    'availabilityZone',
    { create: schemas.zoneCreateBody, update: schemas.zoneUpdateBody },
    ({ availability_zone: zone }): Zone => ({
      name: zone.name,
      description: zone.description ?? '',
      enabled: zone.enabled ?? true,
      availabilityZoneProfileId: zone.availability_zone_profile_id,
    }),
    ({ availability_zone: zone }) => described(zone),
  );
}
