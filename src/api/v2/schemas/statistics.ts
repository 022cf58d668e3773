import { Type } from 'typebox';
import { list, one } from './fields.ts';

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
