import { Type } from 'typebox';
import { attentionKinds } from '../../../model/attention.ts';
import { silenceFindings } from '../../../model/silence.ts';
import { amphoraView } from './amphora.ts';
import { choice, dateTime, flag, links, list, nullable, one } from './fields.ts';

const textOrNull = () => nullable(Type.String());

/** `GET /v2/kiln/attention`: of Kiln, not of Octavia. */
export const attentionAnswer = one(
  'attention',
  Type.Object({
    at: dateTime(),
    groups: list(
      Type.Object({
        kind: choice(attentionKinds),
        severity: choice(['error', 'warning']),
        total: Type.Integer({ minimum: 1 }),
        items: list(
          Type.Object({
            message: Type.String(),
            advice: Type.String(),
            since: nullable(dateTime()),
            loadbalancer_id: textOrNull(),
            amphora_id: textOrNull(),
            operation_id: textOrNull(),
            release_id: textOrNull(),
          }),
        ),
      }),
    ),
  }),
);

/** `GET /v2/kiln/amphorae/health`: what Octavia's list has, and how they are. */
export const amphoraeHealthAnswer = Type.Object({
  amphorae: list(
    Type.Object({
      ...amphoraView.properties,
      image_name: textOrNull(),
      agent_version: textOrNull(),
      last_heartbeat_at: nullable(dateTime()),
      is_silent: flag(),
      finding: nullable(choice(silenceFindings)),
      reason: nullable(Type.Object({ code: Type.String(), message: Type.String(), advice: Type.String() })),
    }),
  ),
  amphorae_links: links(),
});

/** `GET /v2/kiln/permissions`: whom the token speaks for, and what the policies let them do. */
export const permissionsAnswer = one(
  'permissions',
  Type.Object({
    user_id: textOrNull(),
    user_name: textOrNull(),
    project_id: textOrNull(),
    project_name: textOrNull(),
    system_scope: flag(),
    roles: list(Type.String()),
    actions: list(Type.String()),
  }),
);
