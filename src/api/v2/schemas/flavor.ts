import { type TSchema, Type } from 'typebox';
import { profileDataLength } from '../../../core/lbaas/limits.ts';
import { body, closed, flag, links, list, optional, text, uuid } from './fields.ts';

/** Of octavia/api/v2/types/{flavors,flavor_profile,availability_zones,availability_zone_profile}.py. */

export const flavorCreateBody = body(
  'flavor_',
  'flavor',
  closed({
    name: text(),
    description: optional(text()),
    enabled: optional(flag()),
    flavor_profile_id: uuid(),
  }),
);
export const flavorUpdateBody = body(
  'flavor_',
  'flavor',
  closed({ name: optional(text()), description: optional(text()), enabled: optional(flag()) }),
);
export const flavorView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  enabled: flag(),
  flavor_profile_id: Type.String(),
});

export const flavorProfileCreateBody = body(
  'flavor_profile_',
  'flavorprofile',
  closed({ name: text(), provider_name: text(), flavor_data: text(profileDataLength) }),
);
export const flavorProfileUpdateBody = body(
  'flavor_profile_',
  'flavorprofile',
  closed({
    name: optional(text()),
    provider_name: optional(text()),
    flavor_data: optional(text(profileDataLength)),
  }),
);
export const flavorProfileView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  provider_name: Type.String(),
  flavor_data: Type.String(),
});

export const zoneCreateBody = body(
  'availability_zone_',
  'availability_zone',
  closed({
    name: text(),
    description: optional(text()),
    enabled: optional(flag()),
    availability_zone_profile_id: uuid(),
  }),
);
export const zoneUpdateBody = body(
  'availability_zone_',
  'availability_zone',
  closed({ description: optional(text()), enabled: optional(flag()) }),
);
export const zoneView = Type.Object({
  name: Type.String(),
  description: Type.String(),
  enabled: flag(),
  availability_zone_profile_id: Type.String(),
});

export const zoneProfileCreateBody = body(
  'availability_zone_profile_',
  'availability_zone_profile',
  closed({ name: text(), provider_name: text(), availability_zone_data: text(profileDataLength) }),
);
export const zoneProfileUpdateBody = body(
  'availability_zone_profile_',
  'availability_zone_profile',
  closed({
    name: optional(text()),
    provider_name: optional(text()),
    availability_zone_data: optional(text(profileDataLength)),
  }),
);
export const zoneProfileView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  provider_name: Type.String(),
  availability_zone_data: Type.String(),
});

/** An answer with many, and the links to the pages around it. */
export const page = (many: string, linksKey: string, view: TSchema) =>
  Type.Object({ [many]: list(view), [linksKey]: links() });
