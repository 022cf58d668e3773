import type { PoolHeartbeat } from '../../core/heartbeat/message.ts';
import type { Statistics } from '../heartbeat/statistics.ts';
import type { LvsConfiguration } from './lvs-configuration.ts';

/** IP_VS of the kernel: virtual server (`protocol address:port`) → its counters and real servers. */
export type IpVsTable = ReadonlyMap<string, VirtualServer>;

interface VirtualServer {
  connections: number;
  bytesIn: number;
  bytesOut: number;
  realServers: ReadonlyMap<string, { weight: number; activeConnections: number }>;
}

/** @param list output of `ipvsadm -Ln`. @param statistics output of `ipvsadm -Ln --stats --exact`. */
export function parseIpVs(list: string, statistics: string): IpVsTable {
  const counters = new Map(
    rows(statistics).flatMap((words) => (isVirtual(words) ? [[virtualServerOf(words), words] as const] : [])),
  );
  const table = new Map<
    string,
    VirtualServer & { realServers: Map<string, { weight: number; activeConnections: number }> }
  >();
  let current: { realServers: Map<string, { weight: number; activeConnections: number }> } | null = null;
  for (const words of rows(list)) {
    if (isVirtual(words)) {
      const name = virtualServerOf(words);
      // Prot LocalAddress:Port Conns InPkts OutPkts InBytes OutBytes
      const [, , connections, , , bytesIn, bytesOut] = counters.get(name) ?? [];
      const server = {
        connections: Number(connections ?? 0),
        bytesIn: Number(bytesIn ?? 0),
        bytesOut: Number(bytesOut ?? 0),
        realServers: new Map(),
      };
      table.set(name, server);
      current = server;
    } else if (words[0] === '->' && current) {
      // -> RemoteAddress:Port Forward Weight ActiveConn InActConn
      const [, name = '', , weight, active] = words;
      if (/\d$/.test(name))
        current.realServers.set(name, { weight: Number(weight), activeConnections: Number(active) });
    }
  }
  return table;
}

function rows(output: string): string[][] {
  return output.split('\n').map((line) => line.trim().split(/\s+/));
}

/** One port may have a listener of UDP and one of SCTP. */
const virtualServerOf = ([protocol, name]: readonly string[]) => `${protocol} ${name}`;

function isVirtual(words: readonly string[]): boolean {
  return words[0] === 'UDP' || words[0] === 'SCTP' || words[0] === 'TCP';
}

/**
 * What a heartbeat says of one listener whose keepalived runs (octavia/amphorae/backends/utils/keepalivedlvs_query.py). A listener that
 * is disabled is not reported.
 * @param isRestarting its configuration is newer than the keepalived that runs: members that are missing are only not there yet.
 */
export function lvsStatistics(
  listenerId: string,
  configuration: LvsConfiguration,
  table: IpVsTable,
  isRestarting: boolean,
): Statistics {
  if (configuration.isDisabled) return { listeners: [], pools: [] };
  const servers = configuration.virtualServers.flatMap((name) => table.get(`${configuration.protocol} ${name}`) ?? []);
  const sum = (of: (server: VirtualServer) => number) => servers.reduce((total, server) => total + of(server), 0);
  const active = (server: VirtualServer) =>
    [...server.realServers.values()].reduce((total, { activeConnections }) => total + activeConnections, 0);
  const listener = {
    id: listenerId,
    status: 'OPEN',
    activeConnections: sum(active),
    totals: {
      bytesIn: sum(({ bytesIn }) => bytesIn),
      bytesOut: sum(({ bytesOut }) => bytesOut),
      totalConnections: sum(({ connections }) => connections),
      ...{ requestErrors: 0, serverErrors: 0, connectErrors: 0, responseErrors: 0, retries: 0 },
    },
  };
  const pool = poolOf(configuration, servers, isRestarting);
  return { listeners: [listener], pools: pool ? [pool] : [] };
}

function poolOf(
  { poolId, members, hasMonitor }: LvsConfiguration,
  servers: readonly VirtualServer[],
  isRestarting: boolean,
): PoolHeartbeat | null {
  if (poolId === null) return null;
  const inKernel = new Map(servers.flatMap(({ realServers }) => [...realServers]));
  const missing = isRestarting ? 'RESTARTING' : 'DOWN';
  const statusOf = (realServer: string | null): string => {
    if (realServer === null) return 'MAINT';
    const found = inKernel.get(realServer);
    if (!found) return hasMonitor || inKernel.size > 0 ? missing : 'no check';
    if (found.weight === 0) return 'DRAIN';
    return hasMonitor ? 'UP' : 'no check';
  };
  return {
    poolId,
    listenerId: null,
    status: inKernel.size === 0 && hasMonitor && members.length > 0 ? 'DOWN' : 'UP',
    members: new Map(members.map(({ id, realServer }) => [id, statusOf(realServer)])),
  };
}
