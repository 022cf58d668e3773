import type { Static } from 'typebox';
import type { HealthMonitor } from '../../../model/load-balancer.ts';
import type { healthMonitorView } from '../schemas/health-monitor.ts';
import { plainAnswer } from './answer.ts';

/** @param full inside its pool, where the pool is not named again. */
export const healthMonitorToWire = (
  monitor: HealthMonitor,
  { full = false }: { full?: boolean } = {},
): Static<typeof healthMonitorView> => ({
  ...plainAnswer('healthmonitor', monitor),
  ...(full ? {} : { pools: [{ id: monitor.poolId }] }),
});
