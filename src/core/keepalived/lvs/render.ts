import type { Listener, LoadBalancerTree } from '../../../model/load-balancer.ts';
import { linesOf, writeLines } from '../block.ts';
import { planListener } from './plan.ts';
import type { LvsSettings } from './settings.ts';
import { renderVirtualServers } from './virtual-server.ts';

/**
 * The configuration of the keepalived that carries one UDP or SCTP listener of `tree` through the kernel's IP_VS.
 * Octavia's agent reads it as well, comments too (octavia/amphorae/backends/utils/keepalivedlvs_query.py): from these
 * it learns which members there are, and which of them are disabled. So comments and the first lines of groups stand as
 * Octavia's templates have them (octavia/common/jinja/lvs/templates).
 * @returns the file; it balances nothing when the listener is disabled or has no pool. INTERNAL when `tree` holds what
 * the API does not let in: an address that is none.
 */
export function renderLvsConfiguration(tree: LoadBalancerTree, listener: Listener, settings: LvsSettings): string {
  const planned = planListener(tree, listener);
  return writeLines(
    linesOf(
      `# Configuration for Loadbalancer ${tree.loadBalancer.id}`,
      planned ? `# Configuration for Listener ${listener.id}` : `# Listener ${listener.id} is disabled`,
      '',
      // The namespace that the agent plugs VIPs and member networks into.
      'net_namespace amphora-haproxy',
      planned && renderVirtualServers(planned, settings),
    ),
  );
}
