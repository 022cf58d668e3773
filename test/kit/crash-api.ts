/**
 * An API that kills itself (SIGKILL) at a chosen moment of a creation: `crash-api.ts MOMENT SUBNET PROJECT`. It is wired as
 * `kiln serve` wires its own. Says the ID that the load balancer would have.
 */
import { writeSync } from 'node:fs';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { createPolicy } from '../../src/api/policy/policy.ts';
import { createApi } from '../../src/api/v2/server.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { findAccess } from '../../src/main/cloud-access.ts';
import { createLog } from '../../src/main/log.ts';
import { wireMetrics } from '../../src/main/metrics.ts';
import { apiDeps } from '../../src/main/roles/api-deps.ts';
import { openState } from '../../src/main/state.ts';
import { statePaths } from '../../src/main/state-paths.ts';
import { secretStore, wireOpenStack, wireProcess } from '../../src/main/wire.ts';

/** reserved: nothing asked of Neutron yet. allocated: the port is made, nothing written. written: not yet answered. */
export type ApiMoment = 'reserved' | 'allocated' | 'written';

const [moment, vipSubnetId, projectId = ''] = process.argv.slice(2);
const { config } = loadConfiguration({ configFiles: [process.env.KILN_CONFIG_FILE ?? ''], environment: process.env });
const clock = createSystemClock();
const around = { clock, log: createLog({ debug: false, file: null }), current: () => config };
const paths = statePaths(config, process.env, false);
const openstack = wireOpenStack(findAccess(config, null, {}), around);
const state = await openState(paths.database, clock);
const deps = apiDeps(
  {
    openstack,
    state,
    ...wireProcess(openstack, around),
    secrets: secretStore(config, paths),
    queue: { announce: () => {} },
    policy: createPolicy({ everybodyIsAdmin: true }),
    metrics: wireMetrics(state, around),
  },
  around,
);

const die = () => process.kill(process.pid, 'SIGKILL');
const { vips, store } = deps;
const app = createApi({
  ...deps,
  vips: {
    ...vips,
    async allocate(request) {
      writeSync(1, request.loadBalancerId);
      if (moment === 'reserved') die();
      const allocated = await vips.allocate(request);
      if (moment === 'allocated') die();
      return allocated;
    },
  },
  store: {
    ...store,
    async apply(change) {
      await store.apply(change);
      if (moment === 'written') die();
    },
  },
});
const answer = await app.inject({
  method: 'POST',
  url: '/v2/lbaas/loadbalancers',
  headers: { 'x-project-id': projectId, 'content-type': 'application/json' },
  payload: JSON.stringify({ loadbalancer: { name: 'half', vip_subnet_id: vipSubnetId } }),
});
console.error(`was not killed: ${answer.statusCode} ${answer.body}`);
process.exit(1);
