import type { FastifyInstance } from 'fastify';
import type { Static, TSchema } from 'typebox';
import {
  invalidOption,
  notFound,
  objectInUse,
  providerNotEnabled,
  translated,
} from '../../../core/lbaas/api-errors.ts';
import { checkProfileData } from '../../../core/lbaas/capabilities.ts';
import type { FlavorProfile, ZoneProfile } from '../../../model/flavor.ts';
import type { Flavors } from '../../../ports/flavor-store.ts';
import type { ApiDeps } from '../deps.ts';
import { flavorRepresentations, profiles } from '../flavor-catalog.ts';
import { one } from '../schemas/fields.ts';
import * as schemas from '../schemas/flavor.ts';
import { authorizeAction, type ByKey, findFlavor } from './flavor-tools.ts';
import { bodyOf } from './write-tools.ts';

type ProfileKind = keyof typeof profiles;

/** Creations and changes of flavor profiles and availability zone profiles. */
export function profileRoutes(app: FastifyInstance, deps: ApiDeps): void {
  flavorProfileWrites(app, deps);
  zoneProfileWrites(app, deps);
}

interface ProfileWish {
  name?: string | null;
  provider_name?: string | null;
  data?: string | null;
}

function profileWrites<Kind extends ProfileKind, Create extends TSchema, Update extends TSchema>(
  app: FastifyInstance,
  deps: ApiDeps,
  kind: Kind,
  bodies: { create: Create; update: Update },
  wishOf: (body: Static<Create> | Static<Update>) => ProfileWish,
  make: (fields: { id: string; name: string; providerName: string; data: string }) => Flavors[Kind],
): void {
  const { flavors, settings } = deps;
  const { path, one: key, view, toWire, title, titleWhenDeleted } = flavorRepresentations[kind];
  const { field, modelField, capabilities, user } = profiles[kind];
  const answer = one(key, view);

  async function check(provider: string, data: string): Promise<void> {
    if (!Object.hasOwn(settings().providers, provider)) throw providerNotEnabled(provider);
    await deps.profileChecker.check(checkProfileData(provider, field, data, capabilities));
  }

  app.post(`/${path}`, { schema: { body: bodies.create, response: { 201: answer } } }, async (request, reply) => {
    authorizeAction(deps, request, kind, 'post');
    const { name, provider_name, data } = wishOf(bodyOf(request, bodies.create));
    await check(String(provider_name), String(data));
    const id = crypto.randomUUID();
    const row = make({ id, name: String(name), providerName: String(provider_name), data: String(data) });
    await flavors.insert(kind, row);
    return reply.code(201).send({ [key]: toWire(row) });
  });

  app.put<ByKey>(`/${path}/:key`, { schema: { body: bodies.update, response: { 200: answer } } }, async (request) => {
    authorizeAction(deps, request, kind, 'put');
    const id = request.params.key;
    const before = (await findFlavor(deps, kind, id)) as FlavorProfile | ZoneProfile;
    const { name, provider_name: providerName, data } = wishOf(bodyOf(request, bodies.update));
    for (const [option, value] of Object.entries({ name, provider_name: providerName, [field]: data })) {
      if (value === null) throw invalidOption('None', option);
    }
    if (data !== undefined || providerName !== undefined) {
      const users = await flavors.list(user.kind, { filters: { [user.field]: id }, sort: [], limit: 1 });
      if (users.length > 0) throw objectInUse(titleWhenDeleted, id);
    }
    if (data != null) await check(providerName ?? before.providerName, data);
    else if (providerName != null && !Object.hasOwn(settings().providers, providerName)) {
      throw providerNotEnabled(providerName);
    }
    const patch = Object.fromEntries(
      Object.entries({ name, providerName, [modelField]: data }).filter(([, value]) => value !== undefined),
    ) as Partial<Flavors[Kind]>;
    const row = await translated(flavors.update(kind, id, patch), {
      RESOURCE_NOT_FOUND: () => notFound(title, id),
      RESOURCE_CONFLICT: () => objectInUse(titleWhenDeleted, id),
    });
    return { [key]: toWire(row) };
  });
}

function flavorProfileWrites(app: FastifyInstance, deps: ApiDeps): void {
  profileWrites(
    app,
    deps,
    'flavorProfile',
    { create: schemas.flavorProfileCreateBody, update: schemas.flavorProfileUpdateBody },
    ({ flavorprofile: { flavor_data: data, ...rest } }) => ({ ...rest, ...(data === undefined ? {} : { data }) }),
    ({ data, ...fields }) => ({ ...fields, flavorData: data }),
  );
}

function zoneProfileWrites(app: FastifyInstance, deps: ApiDeps): void {
  profileWrites(
    app,
    deps,
    'availabilityZoneProfile',
    { create: schemas.zoneProfileCreateBody, update: schemas.zoneProfileUpdateBody },
    ({ availability_zone_profile: { availability_zone_data: data, ...rest } }) => ({
      ...rest,
      ...(data === undefined ? {} : { data }),
    }),
    ({ data, ...fields }) => ({ ...fields, availabilityZoneData: data }),
  );
}
