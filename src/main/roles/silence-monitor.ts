import { randomUUID } from 'node:crypto';
import { createSilenceMonitor, type SilenceMonitor } from '../../health/silence-monitor.ts';
import type { AmphoraAgent } from '../../ports/amphora-agent.ts';
import type { OperationQueue } from '../../ports/operation-queue.ts';
import type { OpenStack } from '../openstack.ts';
import type { State } from '../state.ts';
import type { RuntimeContext } from '../wire.ts';

/** Has amphorae failed over that are silent and dead. */
export function wireSilenceMonitor(
  shared: {
    openstack: OpenStack;
    state: State;
    agent: AmphoraAgent;
    queue: Pick<OperationQueue, 'announce'>;
    isRecording(): boolean;
  },
  { clock, log, current }: RuntimeContext,
): SilenceMonitor {
  const { openstack, state, agent, queue, isRecording } = shared;
  return createSilenceMonitor({
    silences: state.silences,
    amphorae: state.amphorae,
    loadBalancers: state.loadBalancers,
    compute: openstack.compute,
    agent,
    queue,
    clock,
    log,
    newId: randomUUID,
    isRecording,
    settings: () => {
      const { health_manager: health, controller_worker: worker } = current();
      const controllers = health.controller_ip_port_list.length;
      return {
        heartbeatTimeoutSeconds: health.heartbeat_timeout,
        healthCheckIntervalSeconds: health.health_check_interval,
        failoverThreads: health.failover_threads,
        failoverThreshold: health.failover_threshold,
        heartbeatIntervalSeconds: health.heartbeat_interval * Math.max(1, controllers),
        heartbeatsAreSent: controllers > 0 && worker.amphora_driver !== 'amphora_noop_driver',
      };
    },
  });
}
