import type { FastifyInstance } from 'fastify';
import { createPolicy } from '../api/policy/policy.ts';
import type { ApiParts } from '../api/v2/parts.ts';
import { createApi } from '../api/v2/server.ts';
import { defaultApiSettings } from '../core/api/settings.ts';
import { KilnError } from '../model/errors.ts';
import type { VipAllocator } from '../ports/vip-allocator.ts';
import { createFakeClock } from './fake-clock.ts';
import { createFakeLoadBalancerStore, type FakeLoadBalancerStore } from './fake-load-balancer-store.ts';

export const ownProject = '11111111111111111111111111111111';
export const otherProject = '22222222222222222222222222222222';
export const subnetId = 'b5a1d6f0-0000-4000-8000-000000000001';

export interface ApiAnswer {
  status: number;
  headers: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  body: any;
}

/** The API over a store in memory, with `auth_strategy = noauth` unless a test says otherwise. */
export interface ApiBench {
  app: FastifyInstance;
  store: FakeLoadBalancerStore;
  queued: string[];
  call(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<ApiAnswer>;
}

export function openApiBench(overrides: Partial<ApiParts> = {}): ApiBench {
  const store = createFakeLoadBalancerStore();
  const queued: string[] = [];
  const unlimited = {
    loadbalancer: -1,
    listener: -1,
    pool: -1,
    member: -1,
    healthmonitor: -1,
    l7policy: -1,
    l7rule: -1,
  };
  const app = createApi(
    {
      store,
      vips: createFakeVips(),
      policy: createPolicy({ everybodyIsAdmin: true }),
      authentication: { strategy: 'noauth' },
      clock: createFakeClock(),
      settings: defaultApiSettings,
      paging: { maximum: 1000, baseUri: null },
      quotaOf: async () => unlimited,
      operationQueued: ({ id }) => queued.push(id),
      health: async () => [],
      ...overrides,
    },
    null,
  );
  return {
    app,
    store,
    queued,
    async call(method, path, body, headers = {}) {
      const answer = await app.inject({
        method,
        url: path.startsWith('/v2') || !path.startsWith('/lbaas') ? path : `/v2.0${path}`,
        headers: {
          'x-project-id': ownProject,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const json = String(answer.headers['content-type'] ?? '').includes('json');
      return { status: answer.statusCode, headers: answer.headers, body: json ? answer.json() : answer.body };
    },
  };
}

/** Counts up from 198.51.100.1; the subnet above is the only one. */
export function createFakeVips(): VipAllocator & { released: number } {
  let next = 1;
  const checkSubnet = async (id: string) => {
    if (id !== subnetId) throw new KilnError('REQUEST_INVALID', `Subnet ${id} not found.`);
  };
  return {
    released: 0,
    checkSubnet,
    async allocate(request) {
      if (request.subnetId !== null) await checkSubnet(request.subnetId);
      const vip = {
        address: request.address ?? `198.51.100.${next++}`,
        networkId: request.networkId ?? '0553e883-70c9-47be-98c2-462bacb5ff6e',
        subnetId: request.subnetId ?? subnetId,
        portId: request.portId ?? crypto.randomUUID(),
        octaviaOwned: request.portId === null,
      };
      return { vip, additionalVips: [], qosPolicyId: request.qosPolicyId };
    },
    async release() {
      this.released++;
    },
  };
}
