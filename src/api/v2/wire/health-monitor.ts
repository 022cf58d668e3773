import type { Static } from 'typebox';
import type { HealthMonitor } from '../../../model/load-balancer.ts';
import type { healthMonitorView } from '../schemas/health-monitor.ts';
import { wireTime, wireTimeOrNull } from './common.ts';

/** @param full inside its pool, where the pool is not named again. */
export function healthMonitorToWire(
  monitor: HealthMonitor,
  { full = false }: { full?: boolean } = {},
): Static<typeof healthMonitorView> {
  return {
    id: monitor.id,
    name: monitor.name,
    type: monitor.type,
    delay: monitor.delay,
    timeout: monitor.timeout,
    max_retries: monitor.maxRetries,
    max_retries_down: monitor.maxRetriesDown,
    http_method: monitor.httpMethod,
    url_path: monitor.urlPath,
    expected_codes: monitor.expectedCodes,
    admin_state_up: monitor.adminStateUp,
    project_id: monitor.projectId,
    ...(full ? {} : { pools: [{ id: monitor.poolId }] }),
    provisioning_status: monitor.provisioningStatus,
    operating_status: monitor.operatingStatus,
    created_at: wireTime(monitor.createdAt),
    updated_at: wireTimeOrNull(monitor.updatedAt),
    tags: [...monitor.tags],
    http_version: monitor.httpVersion,
    domain_name: monitor.domainName,
    tenant_id: monitor.projectId,
  };
}
