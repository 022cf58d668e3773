import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { encodeHeartbeat } from '../../core/heartbeat/encode.ts';
import { heartbeatKeyInForce, type ListenerHeartbeat, type PoolHeartbeat } from '../../core/heartbeat/message.ts';
import type { HeartbeatConfiguration } from '../configuration.ts';
import type { LoadBalancers } from '../haproxy/load-balancers.ts';
import type { AmphoraHost } from '../host.ts';
import type { Logger } from '../logger.ts';
import type { Counters } from './counters.ts';
import { readStatistics, type Statistics } from './statistics.ts';

/** Tells the controllers every few seconds that this amphora lives, and how it is. */
export interface HeartbeatSender {
  /** Takes effect at once. */
  reconfigure(configuration: HeartbeatConfiguration): void;
  stop(): void;
}

/**
 * Sends to one controller after the other (octavia/amphorae/backends/health_daemon/health_sender.py). The first one goes
 * at once. Who can't be reached is left out; the log tells it once.
 * @param options.sourceAddress where heartbeats come from, as this amphora's address on the management network;
 *   "::" and "0.0.0.0" leave it to the system.
 */
export function startHeartbeats(options: {
  amphoraId: string;
  sourceAddress: string;
  configuration: HeartbeatConfiguration;
  loadBalancers: LoadBalancers;
  host: Pick<AmphoraHost, 'lvs' | 'isFitForHeartbeat'>;
  counters: Counters;
  logger: Logger;
}): HeartbeatSender {
  const { amphoraId, host, logger } = options;
  const sockets = new Map<number, Socket>();
  let { configuration } = options;
  let sequence = 0;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let lastFault: string | null = null;

  /** The socket for addresses of one family. */
  function socketFor(family: number): Socket {
    const socket = sockets.get(family) ?? createSocket(family === 6 ? 'udp6' : 'udp4');
    if (sockets.has(family)) return socket;
    sockets.set(family, socket);
    socket.unref();
    // Failures are reported by the callback of `send`.
    socket.on('error', () => undefined);
    if (isIP(options.sourceAddress) === family && !/^(::|0\.0\.0\.0)$/.test(options.sourceAddress)) {
      socket.bind({ address: options.sourceAddress, port: 0 });
    }
    return socket;
  }

  async function send(): Promise<void> {
    const { controllers, key } = configuration;
    const controller = controllers[sequence % controllers.length];
    if (!controller) return;
    if (!(await host.isFitForHeartbeat())) throw new Error('keepalived is configured and does not run');
    const packet = encodeHeartbeat(
      { amphoraId, sequence: sequence++, ...(await readState(options)) },
      heartbeatKeyInForce(key),
    );
    const { address, family } = await lookup(controller.host);
    if (stopped) return;
    await new Promise<void>((resolve, reject) => {
      socketFor(family).send(packet, controller.port, address, (error) => (error ? reject(error) : resolve()));
    });
  }

  function next(afterMs: number): void {
    clearTimeout(timer);
    if (stopped || configuration.controllers.length === 0) return;
    timer = setTimeout(() => {
      const started = performance.now();
      void send()
        .then(
          () => null,
          (error: Error) => error.message,
        )
        .then((fault) => {
          if (fault !== null && fault !== lastFault) logger('warning', 'heartbeats are not sent', { reason: fault });
          lastFault = fault;
          next(Math.max(0, configuration.intervalSeconds * 1000 - (performance.now() - started)));
        });
    }, afterMs);
    timer.unref();
  }

  next(0);
  return {
    reconfigure(wanted) {
      configuration = wanted;
      next(0);
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      for (const socket of sockets.values()) socket.close();
    },
  };
}

/** Of every HAProxy that runs, and of IP_VS. One that does not answer is left out, and so its listeners: the controller sees it. */
async function readState({ loadBalancers, host, counters, logger }: Parameters<typeof startHeartbeats>[0]) {
  const listeners = new Map<string, ListenerHeartbeat>();
  const pools: PoolHeartbeat[] = [];
  const add = (statistics: Statistics) => {
    for (const { id, status, activeConnections, totals } of statistics.listeners) {
      const { serverErrors, connectErrors, responseErrors, retries, ...reported } = counters.advance(id, totals);
      const backend = { serverErrors, connectErrors, responseErrors, retries };
      listeners.set(id, { status, counters: { ...reported, activeConnections, backend } });
    }
    pools.push(...statistics.pools);
  };
  for (const loadBalancerId of await loadBalancers.ids()) {
    const socket = await loadBalancers.statsSocket(loadBalancerId);
    if (socket === null) continue;
    const statistics = await readStatistics(socket).catch((error: Error) => {
      logger('warning', 'HAProxy does not tell its statistics', { loadBalancerId, reason: error.message });
      return null;
    });
    if (statistics) add(statistics);
  }
  add(await host.lvs.statistics());
  await counters.keep(new Set(listeners.keys()));
  return { listeners, pools };
}
