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
 * SINGLE there, whatever the amphora's part is. Octavia's agent counts a HAProxy that hangs as running; ours does not, so that the
 * controller sees it.
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
          haproxy_count: await count(loadBalancers.ids, loadBalancers.isAnswering),
          cpu_count: cpus().length,
          ...(await readMachineState(root, await host.readNetworkCounters())),
          topology: 'SINGLE',
          topology_status: 'OK',
          active_tuned_profiles: '',
          listeners: (await listListeners(loadBalancers, host.lvs)).map(({ uuid }) => uuid).sort(),
          packages: {},
          lvs_listener_process_count: await count(host.lvs.ids, host.lvs.isRunning),
          keepalived_version: installed.keepalived,
          ipvsadm_version: installed.ipvsadm,
        },
      }),
    },
  ];
}

async function count(ids: () => Promise<string[]>, serves: (id: string) => Promise<boolean>): Promise<number> {
  const serving = await Promise.all((await ids()).map((id) => serves(id)));
  return serving.filter(Boolean).length;
}
