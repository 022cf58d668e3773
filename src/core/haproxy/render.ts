import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import { renderBackend } from './backend.ts';
import { capabilitiesOf } from './capabilities.ts';
import { renderDefaults } from './defaults.ts';
import { renderFrontend } from './frontend.ts';
import { renderGlobal } from './global.ts';
import { renderPeers } from './peers.ts';
import { planListeners } from './plan.ts';
import { renderPrometheus } from './prometheus.ts';
import { writeSections } from './section.ts';
import type { HaproxySettings, TlsFiles } from './settings.ts';

/**
 * The HAProxy configuration of one amphora: all listeners of the load balancer but those for UDP and SCTP, and what they
 * lead to. Disabled ones, and what is about to be deleted, are left out. Names of sections and servers are those that
 * Octavia's agent and its heartbeats expect.
 * @param files TLS material that the amphora holds by the time HAProxy starts.
 * @returns the file. INTERNAL when `tree` holds what the API doesn't let in: an address that is none, a
 * TERMINATED_HTTPS listener without a certificate.
 */
export function renderHaproxyConfiguration(tree: LoadBalancerTree, files: TlsFiles, settings: HaproxySettings): string {
  const { loadBalancer } = tree;
  const listeners = planListeners(tree, settings);
  const capabilities = capabilitiesOf(settings.version);
  return writeSections(`Load balancer ${loadBalancer.id}`, [
    renderGlobal(loadBalancer, listeners, settings),
    renderDefaults(settings),
    ...renderPeers(loadBalancer.id, settings.peers),
    ...renderPrometheus(listeners, settings),
    ...listeners.flatMap((planned) => [
      renderFrontend(loadBalancer, planned, files.listeners[planned.listener.id], settings),
      ...planned.pools.map((pool) =>
        renderBackend(loadBalancer, { pool, planned, files: files.pools[pool.id], settings, capabilities }),
      ),
    ]),
  ]);
}
