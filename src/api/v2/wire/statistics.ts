import type { TrafficInterval } from '../../../model/traffic.ts';
import type { ListenerStatistics, StatisticsSum } from '../../../ports/health-store.ts';

export const statisticsToWire = (sum: StatisticsSum) => ({
  bytes_in: sum.bytesIn,
  bytes_out: sum.bytesOut,
  active_connections: sum.activeConnections,
  total_connections: sum.totalConnections,
  request_errors: sum.requestErrors,
});

export const amphoraStatisticsToWire = (row: ListenerStatistics, loadBalancerId: string | null) => ({
  active_connections: row.activeConnections,
  bytes_in: row.bytesIn,
  bytes_out: row.bytesOut,
  id: row.amphoraId,
  listener_id: row.listenerId,
  loadbalancer_id: loadBalancerId,
  request_errors: row.requestErrors,
  total_connections: row.totalConnections,
});

export const intervalToWire = (interval: TrafficInterval) => ({
  at: new Date(interval.atMs).toISOString(),
  seconds: interval.seconds,
  bytes_in: interval.bytesIn,
  bytes_out: interval.bytesOut,
  connections: interval.connections,
  request_errors: interval.requestErrors,
  active_connections: interval.activeConnections,
});
