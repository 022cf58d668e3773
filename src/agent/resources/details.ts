import { cpus, hostname } from 'node:os';
import type { InstalledVersions } from '../installed-versions.ts';
import { readMachineState } from '../machine.ts';
import type { Route } from '../router.ts';
import { apiVersion } from './discovery.ts';

/**
 * `GET /1.0/details`: load of the machine and what it balances. Fields as Octavia's agent has them; topology is always
 * SINGLE there, whatever the amphora's part is. No listeners yet: this agent takes no HAProxy configuration so far.
 */
export function detailsRoutes(options: { installed: InstalledVersions; root: string }): Route[] {
  const { installed, root } = options;
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
          haproxy_count: 0,
          cpu_count: cpus().length,
          ...(await readMachineState(root)),
          topology: 'SINGLE',
          topology_status: 'OK',
          listeners: [],
          packages: {},
          lvs_listener_process_count: 0,
          keepalived_version: installed.keepalived,
          ipvsadm_version: installed.ipvsadm,
        },
      }),
    },
  ];
}
