import { Type } from 'typebox';
import { choice, closed, flag, integer, list, nullable, one, optional, text, uuid } from './fields.ts';

const textOrNull = () => nullable(Type.String());
const count = () => Type.Integer({ minimum: 0 });

/** POST /v2/kiln/releases/plan: of Kiln, not of Octavia. */
export const planBody = Type.Object(
  { image_id: optional(uuid()), tag: optional(text()), again: optional(flag()) },
  { additionalProperties: false, title: 'plan' },
);

const image = () =>
  closed({
    id: Type.String(),
    name: Type.String(),
    hash_algo: textOrNull(),
    hash: textOrNull(),
    owner_id: Type.String(),
  });
const place = () => closed({ flavor_id: textOrNull(), availability_zone: textOrNull() });
const onFailure = () => choice(['rollback', 'pause']);

const policy = () =>
  closed({
    canary: count(),
    wave_percents: list(Type.Number()),
    max_parallel: count(),
    settle_seconds: count(),
    watch_seconds: count(),
    canary_bake_seconds: count(),
    wave_bake_seconds: count(),
    canary_max_failures: count(),
    max_failures: nullable(integer()),
    on_canary_failure: onFailure(),
    on_failure: onFailure(),
    max_unwell_percent: Type.Number(),
    tries: count(),
    probe_seconds: count(),
    mixed_seconds: count(),
  });

export const planAnswer = one(
  'plan',
  closed({
    digest: Type.String(),
    tag: Type.String(),
    image: image(),
    tagged_image_ids: list(Type.String()),
    policy: policy(),
    load_balancers: count(),
    probes: list(place()),
    waves: list(closed({ wave: count(), load_balancers: count(), pairs: count(), seconds: count() })),
    skipped: list(closed({ reason: Type.String(), load_balancers: count(), examples: list(Type.String()) })),
    expected_move_seconds: count(),
    expected_seconds: count(),
  }),
);
