import type { TSchema } from 'typebox';
import { flavorCapabilities, zoneCapabilities } from '../../core/lbaas/capabilities.ts';
import type { FlavorKind, Flavors } from '../../ports/flavor-store.ts';
import type { Action } from '../policy/defaults.ts';
import * as schemas from './schemas/flavor.ts';
import * as wire from './wire/flavor.ts';

/** How flavors, availability zones and their profiles appear in the API. */
interface FlavorRepresentation<Kind extends FlavorKind> {
  path: string;
  /** Keys in answers. */
  one: string;
  many: string;
  links: string;
  /** What a refusal calls it that found none; and one that found it in use, or had to delete it. */
  title: string;
  titleWhenDeleted: string;
  policy: 'flavor' | 'flavor-profile' | 'availability-zone' | 'availability-zone-profile';
  key: 'id' | 'name';
  view: TSchema;
  createBody: TSchema;
  updateBody: TSchema;
  toWire(row: Flavors[Kind]): Record<string, unknown>;
}

export const flavorRepresentations: { readonly [Kind in FlavorKind]: FlavorRepresentation<Kind> } = {
  flavor: {
    path: 'flavors',
    one: 'flavor',
    many: 'flavors',
    links: 'flavors_links',
    title: 'Flavor',
    titleWhenDeleted: 'Flavor',
    policy: 'flavor',
    key: 'id',
    view: schemas.flavorView,
    createBody: schemas.flavorCreateBody,
    updateBody: schemas.flavorUpdateBody,
    toWire: wire.flavorToWire,
  },
  flavorProfile: {
    path: 'flavorprofiles',
    one: 'flavorprofile',
    many: 'flavorprofiles',
    links: 'flavorprofile_links',
    title: 'Flavor Profile',
    titleWhenDeleted: 'Flavor profile',
    policy: 'flavor-profile',
    key: 'id',
    view: schemas.flavorProfileView,
    createBody: schemas.flavorProfileCreateBody,
    updateBody: schemas.flavorProfileUpdateBody,
    toWire: wire.flavorProfileToWire,
  },
  availabilityZone: {
    path: 'availabilityzones',
    one: 'availability_zone',
    many: 'availability_zones',
    links: 'availability_zones_links',
    title: 'Availability Zone',
    titleWhenDeleted: 'Availability Zone',
    policy: 'availability-zone',
    key: 'name',
    view: schemas.zoneView,
    createBody: schemas.zoneCreateBody,
    updateBody: schemas.zoneUpdateBody,
    toWire: wire.zoneToWire,
  },
  availabilityZoneProfile: {
    path: 'availabilityzoneprofiles',
    one: 'availability_zone_profile',
    many: 'availability_zone_profiles',
    links: 'availability_zone_profile_links',
    title: 'Availability Zone Profile',
    titleWhenDeleted: 'Availability Zone Profile',
    policy: 'availability-zone-profile',
    key: 'id',
    view: schemas.zoneProfileView,
    createBody: schemas.zoneProfileCreateBody,
    updateBody: schemas.zoneProfileUpdateBody,
    toWire: wire.zoneProfileToWire,
  },
};

/** A profile's data: in which field, what it may say, and what uses the profile. */
export const profiles = {
  flavorProfile: {
    field: 'flavor_data',
    modelField: 'flavorData',
    capabilities: flavorCapabilities,
    user: { kind: 'flavor', field: 'flavorProfileId' },
  },
  availabilityZoneProfile: {
    field: 'availability_zone_data',
    modelField: 'availabilityZoneData',
    capabilities: zoneCapabilities,
    user: { kind: 'availabilityZone', field: 'availabilityZoneProfileId' },
  },
} as const;

export const flavorAction = (kind: FlavorKind, verb: 'get_all' | 'get_one' | 'post' | 'put' | 'delete'): Action =>
  `${flavorRepresentations[kind].policy}:${verb}`;
