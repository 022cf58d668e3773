import { Type } from 'typebox';
import type { FlowName } from '../../../model/flow-name.ts';
import { operationStatuses } from '../../../model/operation.ts';
import { choice, dateTime, links, list, nullable, one } from './fields.ts';

const textOrNull = () => nullable(Type.String());

const reason = () => Type.Object({ code: Type.String(), message: Type.String(), advice: Type.String() });
const leftover = () => Type.Object({ kind: Type.String(), id: textOrNull(), name: textOrNull() });

const view = () => ({
  id: Type.String(),
  flow: Type.Unsafe<FlowName>(Type.String()),
  loadbalancer_id: textOrNull(),
  subject: Type.String(),
  status: choice(operationStatuses),
  priority: Type.Integer(),
  worker: textOrNull(),
  reason: nullable(reason()),
  created_at: dateTime(),
  updated_at: dateTime(),
});

/** `GET /v2/kiln/operations`: of Kiln, not of Octavia. */
export const operationsAnswer = Type.Object({ operations: list(Type.Object(view())), operations_links: links() });

/** Of a step only how far it came: what it made of the cloud is in the database and in `kiln operation show`. */
export const operationAnswer = one(
  'operation',
  Type.Object({
    ...view(),
    journal: list(
      Type.Object({
        step: Type.String(),
        kind: choice(['started', 'done', 'failed', 'undone', 'stuck', 'left', 'note']),
        reason: nullable(reason()),
        message: textOrNull(),
        leftovers: list(leftover()),
      }),
    ),
  }),
);

export const abortBody = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 255 }) },
  { additionalProperties: false, title: 'abort' },
);

export const abortedAnswer = one(
  'operation',
  Type.Object({ ...view(), last_worker: textOrNull(), leftovers: list(leftover()) }),
);
