import type { LbAlgorithm, LoadBalancer, SessionPersistence } from '../../model/load-balancer.ts';
import { renderHealthCheck } from './health-check.ts';
import { renderInsertHeaders } from './insert-headers.ts';
import { peersName } from './peers.ts';
import { configuredMembers, modeOf, monitorOf } from './plan.ts';
import { quoteSample } from './quote.ts';
import { linesOf, type Section, words } from './section.ts';
import { renderServer, type ServerContext } from './server.ts';

const algorithms: Record<LbAlgorithm, string> = {
  ROUND_ROBIN: 'roundrobin',
  LEAST_CONNECTIONS: 'leastconn',
  SOURCE_IP: 'source',
};

/** `backend POOL_ID:LISTENER_ID`: the name that heartbeats are made from. A pool has one for each of its listeners. */
export function renderBackend(loadBalancer: LoadBalancer, context: ServerContext): Section {
  const { pool, planned, settings, capabilities } = context;
  const { listener } = planned;
  const mode = modeOf(pool, planned.mode);
  const monitor = monitorOf(pool);
  const defaults = settings.defaultTimeouts;
  return {
    header: `backend ${pool.id}:${listener.id}`,
    lines: linesOf(
      `mode ${mode}`,
      mode === 'http' && 'http-reuse safe',
      `balance ${algorithms[pool.lbAlgorithm]}`,
      pool.sessionPersistence && renderPersistence(pool.sessionPersistence, loadBalancer, context),
      monitor && renderHealthCheck(monitor, settings.basePath, capabilities),
      renderInsertHeaders(listener, pool),
      `fullconn ${planned.connectionLimit}`,
      'option allbackups',
      `timeout connect ${listener.timeoutMemberConnect || defaults.memberConnectMilliseconds}`,
      `timeout server ${listener.timeoutMemberData || defaults.memberDataMilliseconds}`,
      configuredMembers(pool.members).map((member) => renderServer(member, context)),
    ),
  };
}

function renderPersistence(
  { type, cookieName }: SessionPersistence,
  { id }: LoadBalancer,
  { settings: { stickTableSize, peers } }: ServerContext,
): string[] {
  const table = (keyType: string) =>
    words('stick-table type', keyType, 'size', stickTableSize, peers.length > 0 && `peers ${peersName(id)}`);
  switch (type) {
    case 'SOURCE_IP':
      // A key of type ipv6 holds IPv4 addresses as well.
      return [table('ipv6'), 'stick on src'];
    case 'APP_COOKIE':
      return [
        table('string len 64'),
        `stick store-response ${quoteSample('res.cook', cookieName ?? '')}`,
        `stick match ${quoteSample('req.cook', cookieName ?? '')}`,
      ];
    case 'HTTP_COOKIE':
      return ['cookie SRV insert indirect nocache'];
  }
}
