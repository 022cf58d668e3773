import { cpus, hostname } from 'node:os';
import type { LoadBalancers } from '../haproxy/load-balancers.ts';
import type { InstalledVersions } from '../installed-versions.ts';
import { readMachineState } from '../machine.ts';
import type { Route } from '../router.ts';
import { apiVersion } from './discovery.ts';
import { listListeners } from './load-balancers.ts';

/**
 * `GET /1.0/details`: load of the machine and what it balances. Fields as Octavia's agent has them; topology is always
 * SINGLE there, whatever the amphora's part is.
 */
export function detailsRoutes(options: {
  installed: InstalledVersions;
  root: string;
  loadBalancers: LoadBalancers;
}): Route[] {
  const { installed, root, loadBalancers } = options;
  return [
    {
      method: 'GET',
      path: `/${apiVersion}/details`,
      handle: async () => ({
        status: 200,
        body: {
          hostname: hostname(),
          haproxy_version: installed.haproxy,
          api_version: apiVersion,
          active: true,
          haproxy_count: await countRunning(loadBalancers),
          cpu_count: cpus().length,
          ...(await readMachineState(root)),
          topology: 'SINGLE',
          topology_status: 'OK',
          active_tuned_profiles: '',
          listeners: (await listListeners(loadBalancers)).map(({ uuid }) => uuid).sort(),
          packages: {},
          lvs_listener_process_count: 0,
          keepalived_version: installed.keepalived,
          ipvsadm_version: installed.ipvsadm,
        },
      }),
    },
  ];
}

async function countRunning(loadBalancers: LoadBalancers): Promise<number> {
  const running = await Promise.all((await loadBalancers.ids()).map((id) => loadBalancers.isRunning(id)));
  return running.filter(Boolean).length;
}
