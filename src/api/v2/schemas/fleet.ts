import { Type } from 'typebox';
import { fleetWarningCodes } from '../../../model/fleet.ts';
import { choice, dateTime, list, nullable, one } from './fields.ts';

const textOrNull = () => nullable(Type.String());
const count = () => Type.Integer({ minimum: 0 });

/** GET /v2/kiln/fleet: of Kiln, not of Octavia. */
export const fleetAnswer = one(
  'fleet',
  Type.Object({
    at: dateTime(),
    tags: list(
      Type.Object({
        tag: textOrNull(),
        image_id: textOrNull(),
        image_name: textOrNull(),
        image_created_at: nullable(dateTime()),
        candidates: count(),
        load_balancers: count(),
        error: nullable(Type.Object({ code: Type.String(), message: Type.String(), advice: Type.String() })),
      }),
    ),
    images: list(
      Type.Object({
        image_id: textOrNull(),
        name: textOrNull(),
        created_at: nullable(dateTime()),
        presence: choice(['present', 'gone', 'unknown']),
        current_for_tags: list(textOrNull()),
        load_balancers: count(),
        assigned: count(),
        amphorae: count(),
        in_error: count(),
        silent: count(),
        behind: count(),
        behind_seconds: nullable(Type.Integer()),
      }),
    ),
    totals: Type.Object({
      load_balancers: count(),
      pairs: count(),
      mixed_pairs: count(),
      amphorae: count(),
      behind: count(),
      in_error: count(),
      silent: count(),
      image_gone: count(),
    }),
    warnings: list(Type.Object({ code: choice(fleetWarningCodes), message: Type.String(), advice: Type.String() })),
  }),
);
