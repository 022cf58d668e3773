import { createAmphoraDirectory } from '../../adapters/storage/amphora-directory.ts';
import { createUdpReceiver } from '../../adapters/udp/receiver.ts';
import { createHealthManager, type HealthManager } from '../../health/health-manager.ts';
import type { State } from '../state.ts';
import type { RuntimeContext } from '../wire.ts';

/** Receives heartbeats on [health_manager] bind_ip and bind_port. */
export function wireHealthManager(state: State, { clock, log, current }: RuntimeContext): HealthManager {
  const { bind_ip: address, bind_port: port, sock_rlimit: receiveBufferBytes } = current().health_manager;
  return createHealthManager({
    datagrams: createUdpReceiver({ address, port, receiveBufferBytes }),
    directory: createAmphoraDirectory(state.database, clock, () => current().health_manager.heartbeat_timeout),
    loadBalancers: state.loadBalancers,
    health: state.health,
    clock,
    log,
    settings: () => {
      const { health_manager: health, kiln } = current();
      return {
        heartbeatKey: health.heartbeat_key,
        previousHeartbeatKeys: kiln.previous_heartbeat_keys,
        heartbeatIntervalSeconds: health.heartbeat_interval,
        controllers: health.controller_ip_port_list.length,
      };
    },
  });
}
