import type { PoolHeartbeat } from '../../core/heartbeat/message.ts';
import { parseCsv, queryHaproxy } from '../haproxy/stats-socket.ts';
import type { Totals } from './counters.ts';

/** What one HAProxy tells of its listeners and pools. */
export interface Statistics {
  listeners: Array<{ id: string; status: string; activeConnections: number; totals: Totals }>;
  pools: PoolHeartbeat[];
}

/** Frontends, backends and servers: 1 + 2 + 4 (HAProxy's management guide, `show stat`). */
const showAll = 'show stat -1 7 -1';

/** Rejects when HAProxy does not answer. */
export async function readStatistics(statsSocket: string): Promise<Statistics> {
  return toStatistics(await queryHaproxy(statsSocket, showAll));
}

/**
 * Reads the answer to `show stat` as Octavia's agent does (octavia/amphorae/backends/utils/haproxy_query.py): frontends
 * are listeners, backends named `pool:listener` are pools, and what serves Prometheus is left out. Errors of a listener's
 * pools are added up.
 */
export function toStatistics(csv: string): Statistics {
  const listeners: Statistics['listeners'] = [];
  const backends = new Map<string, Pick<Totals, 'connectErrors' | 'responseErrors' | 'retries'>>();
  const pools = new Map<string, PoolHeartbeat & { members: Map<string, string> }>();
  for (const row of parseCsv(csv)) {
    const text = (column: string) => row.get(column) ?? '';
    const number = (column: string) => Number(text(column)) || 0;
    const [name, kind] = [text('pxname'), text('svname')];
    if (name.includes('prometheus')) continue;
    if (kind === 'FRONTEND') {
      listeners.push({
        id: name,
        status: text('status'),
        activeConnections: number('scur'),
        totals: {
          bytesIn: number('bin'),
          bytesOut: number('bout'),
          totalConnections: number('stot'),
          requestErrors: number('ereq'),
          serverErrors: number('hrsp_5xx'),
          connectErrors: 0,
          responseErrors: 0,
          retries: 0,
        },
      });
      continue;
    }
    const [poolId, listenerId, more] = name.split(':');
    if (!poolId || !listenerId || more !== undefined) continue;
    const pool = pools.get(name) ?? { poolId, listenerId, status: '', members: new Map<string, string>() };
    // Some versions of HAProxy call a server of weight 0 UP.
    const draining = text('status') === 'UP' && text('weight') === '0';
    if (kind === 'BACKEND') {
      pool.status = text('status');
      const errors = backends.get(listenerId) ?? { connectErrors: 0, responseErrors: 0, retries: 0 };
      errors.connectErrors += number('econ');
      errors.responseErrors += number('eresp');
      errors.retries += number('wretr');
      backends.set(listenerId, errors);
    } else pool.members.set(kind, draining ? 'DRAIN' : text('status'));
    pools.set(name, pool);
  }
  for (const { id, totals } of listeners) Object.assign(totals, backends.get(id));
  return { listeners, pools: [...pools.values()] };
}
