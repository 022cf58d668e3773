import { Type } from 'typebox';
import { digestPattern } from '../../../core/releases/plan-digest.ts';
import { policyLimits } from '../../../core/releases/policy.ts';
import { releasePhases, targetStates } from '../../../model/release.ts';
import { choice, closed, flag, integer, list, nullable, number, one, optional, text, uuid } from './fields.ts';
import { onePage, optionalFields } from './query.ts';

/** Releases of images: of Kiln, not of Octavia. */

const textOrNull = () => nullable(Type.String());
const timeOrNull = () => nullable(Type.String());
const count = () => Type.Integer({ minimum: 0 });
const percent = () => number({ minimum: 0, maximum: 100 });

const within = ([minimum, maximum]: readonly [number, number]) => integer({ minimum, maximum });

const windowSchema = () =>
  closed({ cron: text(), zone: text(), duration_minutes: integer({ minimum: 1, maximum: 10_080 }) });

const onFailure = () => choice(['rollback', 'pause']);

/** What may be chosen of a policy; the rest is checked where policies are made. */
const policyFields = () => ({
  canary: within(policyLimits.canary),
  wave_percents: list(percent()),
  max_parallel: within(policyLimits.maxParallel),
  before_seconds: within(policyLimits.beforeSeconds),
  settle_seconds: within(policyLimits.settleSeconds),
  watch_seconds: within(policyLimits.watchSeconds),
  canary_bake_seconds: within(policyLimits.canaryBakeSeconds),
  wave_bake_seconds: within(policyLimits.waveBakeSeconds),
  canary_max_failures: within(policyLimits.canaryMaxFailures),
  max_failures: within(policyLimits.maxFailures),
  on_canary_failure: onFailure(),
  on_failure: onFailure(),
  max_unwell_percent: percent(),
  tries: within(policyLimits.tries),
  probe_seconds: within(policyLimits.probeSeconds),
  mixed_seconds: within(policyLimits.mixedSeconds),
  windows: list(windowSchema()),
  gates_after_waves: list(integer({ minimum: 0 })),
});

type PolicyFields = ReturnType<typeof policyFields>;
type Chosen = { [Field in keyof PolicyFields]: ReturnType<typeof optional<PolicyFields[Field]>> };

const chosenPolicy = () =>
  closed(Object.fromEntries(Object.entries(policyFields()).map(([name, field]) => [name, optional(field)])) as Chosen);

const request = () => ({
  image_id: optional(uuid()),
  tag: optional(text()),
  again: optional(flag()),
  policy: optional(chosenPolicy()),
});
const reason = () => text(1000);
const digest = () => Type.String({ pattern: digestPattern, examples: ['5a00dc52-158cf00a-9cbd55fb-4de473d8'] });

export const planBody = Type.Object(request(), { additionalProperties: false, title: 'plan' });

export const startBody = Type.Object(
  { plan_digest: digest(), reason: optional(reason()), ...request() },
  { additionalProperties: false, title: 'release' },
);

export const intentBody = Type.Object(
  {
    want: choice(['run', 'pause', 'abort', 'rollback']),
    reason: reason(),
    revision: integer({ minimum: 1 }),
  },
  { additionalProperties: false, title: 'intent' },
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
const policy = () => closed({ ...policyFields(), max_failures: nullable(count()), again: flag() });

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

const intent = () =>
  closed({
    want: choice(['run', 'pause', 'abort', 'rollback']),
    by: Type.String(),
    at: Type.String(),
    reason: Type.String(),
    revision: count(),
  });

const summary = () => ({
  id: Type.String(),
  tag: Type.String(),
  image: image(),
  phase: choice(releasePhases),
  has_ended: flag(),
  intent: intent(),
  holds: list(
    closed({
      code: Type.String(),
      message: Type.String(),
      advice: Type.String(),
      since: Type.String(),
      clears: choice(['operator', 'itself']),
    }),
  ),
  wave: count(),
  last_wave: count(),
  load_balancers: count(),
  counts: closed(Object.fromEntries(targetStates.map((state) => [state, count()]))),
  failures: count(),
  allowed_failures: count(),
  created_at: Type.String(),
  updated_at: Type.String(),
  ended_at: timeOrNull(),
});

const errorCount = () =>
  closed({
    seconds: Type.Number({ minimum: 0 }),
    connections: count(),
    errors: count(),
    error_percent: percent(),
  });

/** Null p: too few connections to tell. */
const errorComparison = () =>
  closed({
    at: Type.String(),
    wave: count(),
    moved: errorCount(),
    not_moved: errorCount(),
    p: nullable(number({ minimum: 0, maximum: 1 })),
  });

const whole = () =>
  closed({
    ...summary(),
    started_by: textOrNull(),
    start_reason: textOrNull(),
    waves: list(closed({ wave: count(), open: count(), passed: count(), failed: count(), no_data: count() })),
    error_comparison: nullable(errorComparison()),
    tagged_image_ids: list(Type.String()),
    policy: policy(),
    probes: list(place()),
    plan_digest: Type.String(),
    expected_move_seconds: count(),
    events: count(),
  });

const nextLink = () => list(closed({ rel: Type.String(), href: Type.String() }));

export const releaseAnswer = one('release', whole());
export const releasesAnswer = Type.Object({ releases: list(closed(summary())), releases_links: nextLink() });

export const targetsAnswer = Type.Object({
  targets: list(
    closed({
      load_balancer_id: Type.String(),
      wave: count(),
      position: count(),
      topology: Type.String(),
      state: choice(targetStates),
      state_since: Type.String(),
      reason: Type.String(),
      verdict: textOrNull(),
      failure_class: textOrNull(),
      from_image_id: Type.String(),
      operation_id: textOrNull(),
      attempt: count(),
      waits: count(),
      not_before: timeOrNull(),
      watched_until: timeOrNull(),
      mixed_since: timeOrNull(),
    }),
  ),
  targets_links: nextLink(),
});

export const wayBackAnswer = one(
  'way_back',
  closed({
    load_balancers: count(),
    images: list(closed({ image_id: Type.String(), load_balancers: count(), problem: textOrNull() })),
    tagged_image_ids: list(Type.String()),
  }),
);

/** One JSON object a line. */
export const eventLines = Type.String({
  contentMediaType: 'application/x-ndjson',
  description:
    'One JSON object a line: n, at, actor, kind, load_balancer_id, reason, data. Of kind judge, data.comparison has the request errors of ' +
    'load balancers that have moved beside those that have not (atMs, wave, moved and notMoved with seconds, connections and errors, chance). With follow=true also empty lines, as signs of life.',
});

export const pageQuery = optionalFields(onePage());
export const targetsQuery = optionalFields({
  ...onePage(),
  state: list(Type.String({ description: 'Only those in this state; may come several times.' })),
});
export const eventsQuery = optionalFields({
  limit: onePage().limit,
  after: Type.Integer({ description: 'Events with a larger number.' }),
  follow: Type.Boolean({ description: 'Goes on until the release has ended.' }),
});
