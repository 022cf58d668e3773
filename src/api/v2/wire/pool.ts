import type { Static } from 'typebox';
import type { LoadBalancerTree, Pool } from '../../../model/load-balancer.ts';
import type { RelatedIds } from '../../../ports/load-balancer-store.ts';
import type { poolFullView, poolView } from '../schemas/pool.ts';
import { ids, orNull, wireTime, wireTimeOrNull } from './common.ts';
import { healthMonitorToWire } from './health-monitor.ts';
import { memberToWire } from './member.ts';

export function poolToWire(pool: Pool, related: RelatedIds): Static<typeof poolView> {
  return {
    ...head(pool),
    loadbalancers: ids([pool.loadBalancerId]),
    listeners: ids(related.listenerIds),
    ...times(pool),
    // Octavia leaves the field away where there is no monitor.
    ...(related.healthMonitorId && { healthmonitor_id: related.healthMonitorId }),
    members: ids(related.memberIds),
    ...tail(pool),
  };
}

/** With what is in it, as the creation of a whole load balancer answers. */
export function poolToFullWire(
  pool: LoadBalancerTree['pools'][number],
  listenerIds: readonly string[],
): Static<typeof poolFullView> {
  return {
    members: pool.members.map(memberToWire),
    healthmonitor: pool.healthMonitor ? healthMonitorToWire(pool.healthMonitor, { full: true }) : null,
    ...head(pool),
    listeners: ids(listenerIds),
    ...times(pool),
    ...tail(pool),
  };
}

const head = (pool: Pool) => ({
  id: pool.id,
  name: pool.name,
  description: pool.description,
  provisioning_status: pool.provisioningStatus,
  operating_status: pool.operatingStatus,
  admin_state_up: pool.adminStateUp,
  protocol: pool.protocol,
  lb_algorithm: pool.lbAlgorithm,
  session_persistence: pool.sessionPersistence && {
    type: pool.sessionPersistence.type,
    cookie_name: pool.sessionPersistence.cookieName,
    persistence_timeout: pool.sessionPersistence.persistenceTimeout,
    persistence_granularity: pool.sessionPersistence.persistenceGranularity,
  },
  project_id: pool.projectId,
});

const times = (pool: Pool) => ({
  created_at: wireTime(pool.createdAt),
  updated_at: wireTimeOrNull(pool.updatedAt),
});

const tail = (pool: Pool) => ({
  tags: [...pool.tags],
  tls_container_ref: pool.tlsContainerRef,
  ca_tls_container_ref: pool.caTlsContainerRef,
  crl_container_ref: pool.crlContainerRef,
  tls_enabled: pool.tlsEnabled,
  tls_ciphers: pool.tlsCiphers,
  tls_versions: orNull(pool.tlsVersions),
  alpn_protocols: orNull(pool.alpnProtocols),
  tenant_id: pool.projectId,
});
