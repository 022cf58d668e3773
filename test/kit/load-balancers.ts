import { randomUUID } from 'node:crypto';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { createPolicy } from '../../src/api/policy/policy.ts';
import { createApi } from '../../src/api/v2/server.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { wireMetrics } from '../../src/main/metrics.ts';
import { apiDeps } from '../../src/main/roles/api-deps.ts';
import { openState, type State } from '../../src/main/state.ts';
import { statePaths } from '../../src/main/state-paths.ts';
import { secretStore, wireProcess } from '../../src/main/wire.ts';
import type { Operation } from '../../src/model/operation.ts';
import type { DevCloud } from './dev-cloud.ts';
import { createFakeLog } from './fakes/fake-log.ts';
import { type KilnProcess, startKiln } from './kiln-process.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/**
 * The API over a development cloud's own state: that of the `kiln serve` that is started here, else in this process. What the latter is
 * asked for is left to whichever worker there is, which finds it seconds later.
 */
export interface LoadBalancerHarness {
  state: State;
  /** In the network for VIPs. */
  vipSubnetId: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  call(method: Method, path: string, body?: unknown): Promise<any>;
  /** Any path; the status of the answer. */
  raw(method: Method, path: string, body?: object): Promise<number>;
  /** A new load balancer, not yet carried out; its ID. */
  create(fields?: object): Promise<string>;
  /**
   * Starts `kiln serve`. Until it ends, requests go to its own API, and so it begins at once what they ask for.
   * @param environment beside the cloud's.
   */
  serve(environment?: NodeJS.ProcessEnv): Promise<KilnProcess>;
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
      ...wireProcess(dev.openstack, around),
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
  let serving: { url: string; token: string } | null = null;

  async function ask(method: Method, path: string, body?: unknown): Promise<{ status: number; text: string }> {
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const type = sent === undefined ? {} : { 'content-type': 'application/json' };
    if (serving === null) {
      const headers = { 'x-project-id': projectId, ...type };
      const answer = await app.inject({ method, url: path, headers, ...(sent && { payload: sent }) });
      return { status: answer.statusCode, text: answer.body };
    }
    const headers = { 'x-auth-token': serving.token, ...type };
    const answer = await fetch(`${serving.url}${path}`, { method, headers, ...(sent && { body: sent }) });
    return { status: answer.status, text: await answer.text() };
  }

  const harness: LoadBalancerHarness = {
    state,
    vipSubnetId,
    async call(method, path, body) {
      const { status, text } = await ask(method, `/v2/lbaas${path}`, body);
      if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
      return text === '' ? null : JSON.parse(text);
    },
    async raw(method, path, body) {
      return (await ask(method, path, body)).status;
    },
    async create(fields = {}) {
      const wanted = { name: `lb-${randomUUID().slice(0, 8)}`, vip_subnet_id: vipSubnetId, ...fields };
      return (await harness.call('POST', '/loadbalancers', { loadbalancer: wanted })).loadbalancer.id;
    },
    async serve(environment = {}) {
      const kiln = startKiln(['serve'], { ...dev.environment, ...environment });
      await kiln.line(/"msg":"serving"/);
      const { url } = JSON.parse(await kiln.line(/the load-balancer API listens/));
      serving = { url, token: await tokenOf(dev) };
      void kiln.ended.then(() => {
        serving = null;
      });
      return kiln;
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
  return harness;
}

/** Of the service's user, an administrator. */
async function tokenOf({ cloud }: DevCloud): Promise<string> {
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
  return login.headers.get('x-subject-token') ?? '';
}

/** By its name, as a user would look for it. */
export async function vipSubnetOf(dev: DevCloud): Promise<string> {
  const answer = await fetch(`${dev.cloud.url}/network/v2.0/subnets?name=lb-vip-subnet`, {
    headers: { 'x-auth-token': await tokenOf(dev) },
  });
  const { subnets } = (await answer.json()) as { subnets: { id: string }[] };
  if (!subnets[0]) throw new Error('the development cloud has no lb-vip-subnet');
  return subnets[0].id;
}
