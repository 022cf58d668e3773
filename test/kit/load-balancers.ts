import { randomUUID } from 'node:crypto';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { createPolicy } from '../../src/api/policy/policy.ts';
import { createApi } from '../../src/api/v2/server.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { wireMetrics } from '../../src/main/metrics.ts';
import { apiDeps } from '../../src/main/roles/api-deps.ts';
import { openState, type State } from '../../src/main/state.ts';
import { statePaths } from '../../src/main/state-paths.ts';
import { secretStore, wireResolver } from '../../src/main/wire.ts';
import type { Operation } from '../../src/model/operation.ts';
import type { DevCloud } from './dev-cloud.ts';
import { createFakeLog } from './fakes/fake-log.ts';

/** The API over a development cloud's own state, in this process; operations are left to whichever worker there is. */
export interface LoadBalancerHarness {
  state: State;
  /** In the network for VIPs. */
  vipSubnetId: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<any>;
  /** Any path; the status of the answer. */
  raw(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<number>;
  /** A new load balancer, not yet carried out; its ID. */
  create(fields?: object): Promise<string>;
  /** The newest operation on a load balancer. */
  operationOn(loadBalancerId: string): Promise<Operation>;
  close(): Promise<void>;
}

export async function openLoadBalancerHarness(dev: DevCloud): Promise<LoadBalancerHarness> {
  const { config } = loadConfiguration({
    configFiles: [dev.cloud.configurationFile],
    environment: { OS_API_SETTINGS__AUTH_STRATEGY: 'noauth' },
  });
  const clock = createSystemClock();
  const paths = statePaths(config, {}, false);
  const state = await openState(paths.database, clock);
  const around = { clock, log: createFakeLog(), current: () => config };
  const deps = apiDeps(
    {
      openstack: dev.openstack,
      state,
      resolver: wireResolver(dev.openstack, around),
      secrets: secretStore(config, paths),
      queue: { announce: () => {} },
      policy: createPolicy({ everybodyIsAdmin: true }),
      metrics: wireMetrics(state, around),
    },
    around,
  );
  const app = createApi(deps);
  const vipSubnetId = await vipSubnetOf(dev);
  const projectId = dev.cloud.accounts.kiln.projectId;

  const bench: LoadBalancerHarness = {
    state,
    vipSubnetId,
    async call(method, path, body) {
      const answer = await app.inject({
        method,
        url: `/v2/lbaas${path}`,
        headers: { 'x-project-id': projectId, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
      });
      if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${answer.body}`);
      return answer.body === '' ? null : answer.json();
    },
    async raw(method, url, payload) {
      const sent = payload === undefined ? {} : { payload };
      return (await app.inject({ method, url, headers: { 'x-project-id': projectId }, ...sent })).statusCode;
    },
    async create(fields = {}) {
      const wanted = { name: `lb-${randomUUID().slice(0, 8)}`, vip_subnet_id: vipSubnetId, ...fields };
      return (await bench.call('POST', '/loadbalancers', { loadbalancer: wanted })).loadbalancer.id;
    },
    async operationOn(loadBalancerId) {
      const [newest] = await state.journal.list({ subject: loadBalancerId, limit: 1 });
      if (!newest) throw new Error(`no operation on ${loadBalancerId}`);
      return newest;
    },
    async close() {
      await app.close();
      await state.close();
    },
  };
  return bench;
}

/** By its name, as a user would look for it. */
export async function vipSubnetOf({ cloud }: DevCloud): Promise<string> {
  const { authUrl, userName, password, projectName } = cloud.accounts.kiln;
  const domain = { name: 'Default' };
  const auth = {
    identity: { methods: ['password'], password: { user: { name: userName, domain, password } } },
    scope: { project: { name: projectName, domain } },
  };
  const login = await fetch(`${authUrl}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth }),
  });
  const answer = await fetch(`${cloud.url}/network/v2.0/subnets?name=lb-vip-subnet`, {
    headers: { 'x-auth-token': login.headers.get('x-subject-token') ?? '' },
  });
  const { subnets } = (await answer.json()) as { subnets: { id: string }[] };
  if (!subnets[0]) throw new Error('the development cloud has no lb-vip-subnet');
  return subnets[0].id;
}
