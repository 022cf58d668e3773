import { Type } from 'typebox';
import { trafficWindows } from '../../../model/traffic.ts';
import { choice, dateTime, list, nullable, one } from './fields.ts';
import { optionalFields } from './query.ts';

const counters = {
  bytes_in: Type.Integer(),
  bytes_out: Type.Integer(),
  active_connections: Type.Integer(),
  total_connections: Type.Integer(),
  request_errors: Type.Integer(),
};
export const statisticsAnswer = one('stats', Type.Object(counters));
export const amphoraStatisticsAnswer = one(
  'amphora_stats',
  list(
    Type.Object({
      ...counters,
      id: Type.String(),
      listener_id: Type.String(),
      loadbalancer_id: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
);

/** `GET /v2/kiln/loadbalancers/{id}/statistics`: of Kiln, not of Octavia. */
export const statisticsQuery = optionalFields({
  window: Type.String({
    description:
      'hour (each minute of the last hour; what is taken when nothing is said) or day (each quarter of an hour of the last day).',
  }),
  listener_id: Type.String({ description: 'Of this listener alone; else of all listeners together.' }),
});
export const statisticsOverTimeAnswer = one(
  'statistics',
  Type.Object({
    window: choice(trafficWindows),
    step_seconds: Type.Integer({ description: 'How far apart looks are, if nothing delays them.' }),
    from: dateTime(),
    to: dateTime(),
    listener_id: nullable(Type.String()),
    intervals: list(
      Type.Object({
        at: Type.String({ format: 'date-time', description: 'Its end.' }),
        seconds: Type.Number({ description: 'How long it is: more than a step where looks are missing.' }),
        bytes_in: Type.Integer(),
        bytes_out: Type.Integer(),
        connections: Type.Integer({ description: 'That were opened in it.' }),
        request_errors: Type.Integer(),
        active_connections: Type.Integer({ description: 'Open at its end.' }),
      }),
    ),
  }),
);
