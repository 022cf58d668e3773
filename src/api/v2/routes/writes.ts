import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import {
  checkLoadBalancerIsMutable,
  contentsOfPool,
  type PlannedChange,
  planChange,
  planCreation,
  planFailover,
  poolRow,
  type Subject,
} from '../../../core/api/changes.ts';
import { changeListener, checkPortIsFree, makeListener, noChildren } from '../../../core/api/listener.ts';
import { changeLoadBalancer, checkLoadBalancerSpec, makeLoadBalancer } from '../../../core/api/load-balancer.ts';
import type { Making } from '../../../core/api/making.ts';
import { changePool, checkProtocols } from '../../../core/api/pool.ts';
import {
  conflict,
  immutable,
  notFound,
  pendingState,
  quotaMet,
  validationFailure,
} from '../../../core/api/refusals.ts';
import { type Kind, kindTitle } from '../../../core/api/resource-names.ts';
import { makeWhole, makeWholePool } from '../../../core/api/whole.ts';
import { KilnError } from '../../../model/errors.ts';
import type { LoadBalancerTree } from '../../../model/load-balancer.ts';
import { demand } from '../access.ts';
import { appearances } from '../collections.ts';
import type { ApiParts } from '../parts.ts';
import { listenerAnswer, listenerCreateBody, listenerUpdateBody } from '../schemas/listener.ts';
import {
  loadBalancerAnswer,
  loadBalancerCreateBody,
  loadBalancerFullAnswer,
  loadBalancerUpdateBody,
} from '../schemas/load-balancer.ts';
import { poolAnswer, poolCreateBody, poolUpdateBody } from '../schemas/pool.ts';
import { camel } from '../wire/camel.ts';
import { treeToWire } from '../wire/load-balancer.ts';
import { callerOf } from './reads.ts';

type ById = { Params: { id: string } };

/** Creations, changes and deletions: each is checked whole, then written with the operation that carries it out. */
export function writeRoutes(app: FastifyInstance, parts: ApiParts, tools: WriteTools): void {
  loadBalancerWrites(app, parts, tools);
  listenerWrites(app, parts, tools);
  poolWrites(app, parts, tools);
}

export type WriteTools = ReturnType<typeof writeTools>;

export function writeTools(parts: ApiParts) {
  const { store } = parts;

  async function treeOf(loadBalancerId: string): Promise<LoadBalancerTree> {
    const tree = await store.tree(loadBalancerId);
    if (!tree) throw notFound(kindTitle.loadbalancer, loadBalancerId);
    return tree;
  }

  return {
    treeOf,
    making: (): Making => ({
      settings: parts.settings,
      newId: () => crypto.randomUUID(),
      now: parts.clock.now().toISOString(),
    }),

    async demandQuota(kind: Kind, projectId: string, more = 1): Promise<void> {
      const limit = (await parts.quotaOf(projectId))[kind];
      if (more <= 0 || limit < 0) return;
      const count = (await store.countByProject(projectId))[kind];
      if (count + more > limit) throw quotaMet(kindTitle[kind]);
    },

    /** The store has the last word on whether the load balancer may be changed; its refusal is told in Octavia's words. */
    async apply(planned: PlannedChange, aboutItself = false): Promise<void> {
      try {
        await store.apply(planned);
      } catch (error) {
        if (!(error instanceof KilnError) || error.code !== 'IMMUTABLE') throw error;
        if (!aboutItself) throw immutable(kindTitle.loadbalancer, planned.loadBalancerId);
        const now = await store.get('loadbalancer', planned.loadBalancerId);
        throw pendingState(now?.provisioningStatus ?? 'DELETED', planned.loadBalancerId);
      }
      parts.operationQueued(planned.operation.id);
    },

    async answer(kind: Kind, id: string): Promise<Record<string, unknown>> {
      const found = await store.get(kind, id);
      if (!found) throw notFound(kindTitle[kind], id);
      const appearance = appearances[kind] as { one: string; toWire(row: unknown, related: unknown): unknown };
      return { [appearance.one]: appearance.toWire(found, found.related) };
    },
  };
}

/** A body that the validator has read by this schema. */
export function bodyOf<Schema extends TSchema>(request: FastifyRequest, _schema: Schema): Static<Schema> {
  return request.body as Static<Schema>;
}

function loadBalancerWrites(app: FastifyInstance, parts: ApiParts, tools: WriteTools): void {
  const { policy, store, vips } = parts;

  const create = { body: loadBalancerCreateBody, response: { 201: loadBalancerFullAnswer } };
  app.post('/loadbalancers', { schema: create }, async (request, reply) => {
    const { loadbalancer } = bodyOf(request, loadBalancerCreateBody);
    const caller = callerOf(request);
    const projectId = loadbalancer.project_id || loadbalancer.tenant_id || caller.projectId;
    if (!projectId) {
      throw validationFailure(
        'Missing project ID in request where one is required. An administrator should check the keystone settings in the Octavia configuration.',
      );
    }
    demand(policy, 'loadbalancer:post', caller, projectId);
    if (loadbalancer.vip_sg_ids !== undefined) demand(policy, 'loadbalancer:post:vip_sg_ids', caller, projectId);
    const spec = camel(loadbalancer);
    checkLoadBalancerSpec(spec, parts.settings);
    if (spec.flavorId) throw validationFailure('Invalid flavor_id.');
    if (spec.availabilityZone) throw validationFailure('Invalid availability zone.');
    await tools.demandQuota('loadbalancer', projectId);

    const making = tools.making();
    const id = making.newId();
    const allocated = await vips.allocate({
      loadBalancerId: id,
      projectId,
      name: spec.name ?? '',
      address: spec.vipAddress ?? null,
      portId: spec.vipPortId ?? null,
      subnetId: spec.vipSubnetId ?? null,
      networkId: spec.vipNetworkId ?? null,
      qosPolicyId: spec.vipQosPolicyId ?? null,
      securityGroupIds: spec.vipSgIds ?? [],
      additional: (spec.additionalVips ?? []).map((vip) => ({
        subnetId: vip.subnetId,
        address: vip.ipAddress ?? null,
        portId: vip.portId ?? null,
      })),
    });
    try {
      const tree = makeWhole(making, spec, makeLoadBalancer(making, spec, projectId, { id, ...allocated }));
      await demandQuotasOf(tree, projectId);
      await tools.apply(planCreation(making, tree));
      return reply.code(201).send({ loadbalancer: treeToWire(tree) });
    } catch (error) {
      await vips.release(allocated);
      throw error;
    }
  });

  async function demandQuotasOf(tree: LoadBalancerTree, projectId: string): Promise<void> {
    const policies = tree.listeners.flatMap((listener) => listener.l7Policies);
    const counts = {
      pool: tree.pools.length,
      listener: tree.listeners.length,
      healthmonitor: tree.pools.filter(({ healthMonitor }) => healthMonitor).length,
      member: tree.pools.reduce((sum, { members }) => sum + members.length, 0),
      l7policy: policies.length,
      l7rule: policies.reduce((sum, { rules }) => sum + rules.length, 0),
    };
    for (const [kind, count] of Object.entries(counts)) await tools.demandQuota(kind as Kind, projectId, count);
  }

  const update = { body: loadBalancerUpdateBody, response: { 200: loadBalancerAnswer } };
  app.put<ById>('/loadbalancers/:id', { schema: update }, async (request) => {
    const { loadbalancer } = bodyOf(request, loadBalancerUpdateBody);
    const tree = await tools.treeOf(request.params.id);
    const { id, projectId } = tree.loadBalancer;
    demand(policy, 'loadbalancer:put', callerOf(request), projectId);
    if (loadbalancer.vip_sg_ids !== undefined) {
      demand(policy, 'loadbalancer:put:vip_sg_ids', callerOf(request), projectId);
    }
    const making = tools.making();
    const put = changeLoadBalancer(tree.loadBalancer, camel(loadbalancer), making.now);
    await tools.apply(planChange(making, 'update', tree, { kind: 'loadbalancer', put }), true);
    return tools.answer('loadbalancer', id);
  });

  app.delete<ById>('/loadbalancers/:id', async (request, reply) => {
    const tree = await tools.treeOf(request.params.id);
    const { loadBalancer } = tree;
    demand(policy, 'loadbalancer:delete', callerOf(request), loadBalancer.projectId);
    const { cascade: wish } = request.query as { cascade?: string };
    const cascade = typeof wish === 'string' && /^(true|t|yes|y|on|1)$/i.test(wish);
    if (!cascade && tree.listeners.length + tree.pools.length > 0) {
      throw validationFailure(`Cannot delete Load Balancer ${loadBalancer.id} - it has children`);
    }
    const subject: Subject = { kind: 'loadbalancer', put: loadBalancer };
    await tools.apply(planChange(tools.making(), 'delete', tree, subject, { input: { cascade } }), true);
    return reply.code(204).send();
  });

  app.put<ById>('/loadbalancers/:id/failover', async (request, reply) => {
    const found = await store.get('loadbalancer', request.params.id);
    if (!found) throw notFound(kindTitle.loadbalancer, request.params.id);
    const { related: _related, ...loadBalancer } = found;
    demand(policy, 'loadbalancer:put_failover', callerOf(request), loadBalancer.projectId);
    await tools.apply(planFailover(tools.making(), loadBalancer), true);
    return reply.code(202).send();
  });
}

/** The pool of this load balancer that a listener shall use. */
export function poolInTree(tree: LoadBalancerTree, poolId: string | null | undefined) {
  if (!poolId) return null;
  const pool = tree.pools.find(({ id }) => id === poolId);
  if (!pool) throw notFound(kindTitle.pool, poolId);
  return pool;
}

function listenerWrites(app: FastifyInstance, parts: ApiParts, tools: WriteTools): void {
  const { policy, store } = parts;

  const create = { body: listenerCreateBody, response: { 201: listenerAnswer } };
  app.post('/listeners', { schema: create }, async (request, reply) => {
    const { listener } = bodyOf(request, listenerCreateBody);
    const tree = await tools.treeOf(listener.loadbalancer_id);
    const { loadBalancer } = tree;
    demand(policy, 'listener:post', callerOf(request), loadBalancer.projectId);
    await tools.demandQuota('listener', loadBalancer.projectId);
    if (listener.default_pool || listener.l7policies?.length) {
      throw validationFailure('default_pool and l7policies are for fully populated loadbalancers alone.');
    }
    const spec = camel(listener);
    const pool = poolInTree(tree, spec.defaultPoolId);
    if (pool && spec.protocol === 'PROMETHEUS') throw noChildren(spec.protocol);
    if (pool) checkProtocols(spec.protocol, pool.protocol);
    const making = tools.making();
    const put = makeListener(making, spec, loadBalancer, pool?.id ?? null);
    checkLoadBalancerIsMutable(loadBalancer);
    checkPortIsFree(put, tree.listeners);
    await tools.apply(planChange(making, 'create', tree, { kind: 'listener', put }));
    return reply.code(201).send(await tools.answer('listener', put.id));
  });

  async function locate(id: string) {
    const found = await store.get('listener', id);
    if (!found) throw notFound(kindTitle.listener, id);
    const { related: _related, ...listener } = found;
    return { listener, tree: await tools.treeOf(listener.loadBalancerId) };
  }

  const update = { body: listenerUpdateBody, response: { 200: listenerAnswer } };
  app.put<ById>('/listeners/:id', { schema: update }, async (request) => {
    const { listener, tree } = await locate(request.params.id);
    demand(policy, 'listener:put', callerOf(request), listener.projectId);
    const patch = camel(bodyOf(request, listenerUpdateBody).listener);
    const pool = poolInTree(tree, patch.defaultPoolId);
    if (pool && listener.protocol === 'PROMETHEUS') throw noChildren(listener.protocol);
    if (pool) checkProtocols(listener.protocol, pool.protocol);
    const making = tools.making();
    const put = changeListener(listener, patch, tree.loadBalancer, parts.settings, making.now);
    await tools.apply(planChange(making, 'update', tree, { kind: 'listener', put }));
    return tools.answer('listener', put.id);
  });

  app.delete<ById>('/listeners/:id', async (request, reply) => {
    const { listener, tree } = await locate(request.params.id);
    demand(policy, 'listener:delete', callerOf(request), listener.projectId);
    await tools.apply(planChange(tools.making(), 'delete', tree, { kind: 'listener', put: listener }));
    return reply.code(204).send();
  });
}

function poolWrites(app: FastifyInstance, parts: ApiParts, tools: WriteTools): void {
  const { policy, store } = parts;

  const create = { body: poolCreateBody, response: { 201: poolAnswer } };
  app.post('/pools', { schema: create }, async (request, reply) => {
    const { pool } = bodyOf(request, poolCreateBody);
    const asked = pool.listener_id ? await store.get('listener', pool.listener_id) : null;
    if (pool.listener_id && !asked) throw notFound(kindTitle.listener, pool.listener_id);
    const loadBalancerId = pool.loadbalancer_id ?? asked?.loadBalancerId;
    if (!loadBalancerId) throw validationFailure('Must provide at least one of: loadbalancer_id, listener_id');
    const tree = await tools.treeOf(loadBalancerId);
    const { loadBalancer } = tree;
    demand(policy, 'pool:post', callerOf(request), loadBalancer.projectId);
    const listener = asked && tree.listeners.find(({ id }) => id === asked.id);
    if (asked && !listener) throw notFound(kindTitle.listener, asked.id);
    if (listener?.protocol === 'PROMETHEUS') throw noChildren(listener.protocol);
    if (listener) checkProtocols(listener.protocol, pool.protocol);
    await tools.demandQuota('pool', loadBalancer.projectId);
    const making = tools.making();
    const whole = makeWholePool(making, camel(pool), loadBalancer);
    if (listener?.defaultPoolId) throw conflict('This listener already has a default pool');
    checkLoadBalancerIsMutable(loadBalancer);
    const { l7Policies: _policies, ...listenerRow } = listener ?? { l7Policies: [] };
    const using = listener
      ? [
          {
            kind: 'listener' as const,
            put: {
              ...(listenerRow as typeof listener),
              defaultPoolId: whole.id,
              provisioningStatus: 'PENDING_UPDATE' as const,
            },
          },
        ]
      : [];
    const change = planChange(making, 'create', tree, { kind: 'pool', put: poolRow(whole) });
    await tools.apply({ ...change, rows: [...change.rows, ...contentsOfPool(whole), ...using] });
    return reply.code(201).send(await tools.answer('pool', whole.id));
  });

  async function locate(id: string) {
    const found = await store.get('pool', id);
    if (!found) throw notFound(kindTitle.pool, id);
    const { related: _related, ...pool } = found;
    return { pool, tree: await tools.treeOf(pool.loadBalancerId) };
  }

  const update = { body: poolUpdateBody, response: { 200: poolAnswer } };
  app.put<ById>('/pools/:id', { schema: update }, async (request) => {
    const { pool, tree } = await locate(request.params.id);
    demand(policy, 'pool:put', callerOf(request), pool.projectId);
    const making = tools.making();
    const put = changePool(pool, camel(bodyOf(request, poolUpdateBody).pool), parts.settings, making.now);
    await tools.apply(planChange(making, 'update', tree, { kind: 'pool', put }));
    return tools.answer('pool', put.id);
  });

  app.delete<ById>('/pools/:id', async (request, reply) => {
    const { pool, tree } = await locate(request.params.id);
    demand(policy, 'pool:delete', callerOf(request), pool.projectId);
    const user = tree.listeners.flatMap((one) => one.l7Policies).find((one) => one.redirectPoolId === pool.id);
    if (user) throw conflict(`Pool ${pool.id} is in use by L7 policy ${user.id}`);
    await tools.apply(planChange(tools.making(), 'delete', tree, { kind: 'pool', put: pool }));
    return reply.code(204).send();
  });
}
