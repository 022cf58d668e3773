import { cpus, hostname } from 'node:os';
import type { LoadBalancers } from '../haproxy/load-balancers.ts';
import type { AmphoraHost } from '../host.ts';
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
  host: Pick<AmphoraHost, 'lvs' | 'readNetworkCounters'>;
}): Route[] {
  const { installed, root, loadBalancers, host } = options;
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
          haproxy_count: await count(loadBalancers),
          cpu_count: cpus().length,
          ...(await readMachineState(root, await host.readNetworkCounters())),
          topology: 'SINGLE',
          topology_status: 'OK',
          active_tuned_profiles: '',
          listeners: (await listListeners(loadBalancers, host.lvs)).map(({ uuid }) => uuid).sort(),
          packages: {},
          lvs_listener_process_count: await count(host.lvs),
          keepalived_version: installed.keepalived,
          ipvsadm_version: installed.ipvsadm,
        },
      }),
    },
  ];
}

/** How many run. */
async function count(all: Pick<LoadBalancers, 'ids' | 'isRunning'>): Promise<number> {
  const running = await Promise.all((await all.ids()).map((id) => all.isRunning(id)));
  return running.filter(Boolean).length;
}
