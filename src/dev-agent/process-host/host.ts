import { readFile } from 'node:fs/promises';
import type { AgentConfiguration } from '../configuration.ts';
import type { AgentFiles } from '../files.ts';
import { createLoadBalancers, type LoadBalancers } from '../haproxy/load-balancers.ts';
import type { AmphoraHost } from '../host.ts';
import type { Logger } from '../logger.ts';
import { createChildHaproxy } from './haproxy.ts';
import { createRememberedInterfaces } from './interfaces.ts';
import { createNoLvsListeners } from './lvs-listeners.ts';
import { createVrrp, type StandBy } from './vrrp/vrrp.ts';

/** An amphora of the embedded cloud: a process among others, which changes nothing of its machine. */
export function createProcessHost(
  configuration: AgentConfiguration,
  files: AgentFiles,
  logger: Logger,
): { host: AmphoraHost; loadBalancers: LoadBalancers } {
  const { haproxyCmd, amphoraId, bindHost, isOfPair } = configuration;
  const haproxy = createChildHaproxy({ files, haproxyCmd, amphoraId });
  // Until VRRP has decided, the VIPs are the other one's.
  if (isOfPair) haproxy.bindElsewhere(() => bindHost);
  const loadBalancers = createLoadBalancers({ files, runner: haproxy, logger });
  const holdVips = async (standBy: StandBy | null) => {
    haproxy.bindElsewhere(standBy && ((address) => (standBy.vips.includes(address) ? standBy.ownIp : address)));
    await loadBalancers.reloadRunning();
  };
  const vrrp = createVrrp({ files, logger, holdVips, isHealthy: loadBalancers.allAnswer });
  const host: AmphoraHost = {
    interfaces: createRememberedInterfaces(files.base),
    haproxy,
    vrrp,
    lvs: createNoLvsListeners(),
    advertise: async () => undefined,
    readNetworkCounters: () => readFile('/proc/net/dev', 'utf8'),
    isFitForHeartbeat: () => vrrp.isFit(),
  };
  return { host, loadBalancers };
}
