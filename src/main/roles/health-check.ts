import type { Registry } from 'prom-client';
import { pingDatabase } from '../../adapters/storage/database.ts';
import { createHealthCheck } from '../../api/health-check.ts';
import type { ApiDeps } from '../../api/v2/deps.ts';
import { metricsAnswer } from '../../api/v2/metrics.ts';
import { healthCheckRoute } from '../../api/v2/routes/health-check.ts';
import { limitedFastify } from '../../http/limited-fastify.ts';
import { connectionLimits } from '../../http/limited-server.ts';
import type { State } from '../state.ts';
import type { RuntimeContext } from '../wire.ts';
import { listen } from './listen.ts';

/** Who asks whether this process is well waits no longer. */
const HEALTH_CHECK_LIMIT_SECONDS = 5;

/** Whether a process reaches the database, which it can do nothing without. */
export function wireHealthCheck(
  { database }: Pick<State, 'database'>,
  { clock, log, current }: RuntimeContext,
): NonNullable<ApiDeps['health']> {
  const { api_settings: settings, healthcheck } = current();
  const limits = {
    refreshSeconds: settings.healthcheck_refresh_interval,
    limitSeconds: HEALTH_CHECK_LIMIT_SECONDS,
  };
  return {
    problems: createHealthCheck(() => pingDatabase(database), limits, { clock, log }),
    detailed: healthcheck.detailed,
  };
}

/**
 * `/healthcheck` and `/metrics` of a process, whatever its roles, on `[kiln] health_check_host` and `health_check_port`.
 * @returns null where no port is set.
 */
export async function serveHealthCheck(
  state: Pick<State, 'database'> & { metrics: Registry },
  context: RuntimeContext,
): Promise<{ url: string; close(): Promise<void> } | null> {
  const { health_check_host: host, health_check_port: port } = context.current().kiln;
  if (port === 0) return null;
  const app = limitedFastify({}, { limits: connectionLimits });
  healthCheckRoute(app, { health: wireHealthCheck(state, context), clock: context.clock });
  metricsAnswer(app, state.metrics);
  return await listen(
    app,
    { host, port },
    {
      where: '/healthcheck shall answer',
      advice:
        'Each process of a host needs its own [kiln] health_check_port: set OS_KILN__HEALTH_CHECK_PORT for one of them.',
    },
  );
}
