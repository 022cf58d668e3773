import type { FastifyInstance } from 'fastify';
import { conflict, notFound, validationFailure } from '../../../core/lbaas/api-errors.ts';
import { checkLoadBalancerIsMutable, planChange } from '../../../core/lbaas/changes.ts';
import { makePopulatedPool } from '../../../core/lbaas/fully-populated.ts';
import { noChildren } from '../../../core/lbaas/listener.ts';
import { changePool, checkProtocols } from '../../../core/lbaas/pool.ts';
import { countKinds } from '../../../core/lbaas/quota.ts';
import { kindTitle } from '../../../core/lbaas/resource-names.ts';
import { contentsOfPool, poolRow, populatedPoolRows } from '../../../core/operations/tree-rows.ts';
import { namesSecrets, referencesOfPool } from '../../../services/secret-references.ts';
import { authorize } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { poolAnswer, poolCreateBody, poolUpdateBody } from '../schemas/pool.ts';
import { nothing } from '../schemas/query.ts';
import { camel } from '../wire/camel.ts';
import { callerOf } from './reads.ts';
import { type ById, bodyOf, type WriteTools } from './write-tools.ts';

/** Creations, changes and deletions of pools. */
export function poolWrites(app: FastifyInstance, deps: ApiDeps, tools: WriteTools): void {
  const { policy, store } = deps;

  const create = { body: poolCreateBody, response: { 201: poolAnswer } };
  app.post('/pools', { schema: create }, async (request, reply) => {
    const { pool } = bodyOf(request, poolCreateBody);
    const asked = pool.listener_id ? await store.get('listener', pool.listener_id) : null;
    if (pool.listener_id && !asked) throw notFound(kindTitle.listener, pool.listener_id);
    const loadBalancerId = pool.loadbalancer_id ?? asked?.loadBalancerId;
    if (!loadBalancerId) throw validationFailure('Must provide at least one of: loadbalancer_id, listener_id');
    const tree = await tools.treeOf(loadBalancerId);
    const { loadBalancer } = tree;
    authorize(policy, 'pool:post', callerOf(request), loadBalancer.projectId);
    const listener = asked && tree.listeners.find(({ id }) => id === asked.id);
    if (asked && !listener) throw notFound(kindTitle.listener, asked.id);
    if (listener?.protocol === 'PROMETHEUS') throw noChildren(listener.protocol);
    if (listener) checkProtocols(listener.protocol, pool.protocol);
    const context = tools.context();
    const spec = camel(pool);
    const whole = makePopulatedPool(context, spec, loadBalancer);
    await tools.checkNetworkReferences(spec, request);
    const quota = await tools.requireQuota(loadBalancer.projectId, countKinds(populatedPoolRows(whole)));
    await tools.checkSecrets([referencesOfPool(whole)], loadBalancer.projectId);
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
    const change = planChange(context, 'create', tree, { kind: 'pool', put: poolRow(whole) });
    await tools.apply({ ...change, rows: [...change.rows, ...contentsOfPool(whole), ...using] }, { quota });
    return reply.code(201).send(await tools.answer('pool', whole.id));
  });

  async function locate(id: string) {
    const found = await store.get('pool', id);
    const tree = found && (await tools.treeOf(found.loadBalancerId));
    const pool = tree?.pools.find((one) => one.id === id);
    if (!tree || !pool) throw notFound(kindTitle.pool, id);
    return { pool: poolRow(pool), tree };
  }

  const update = { body: poolUpdateBody, response: { 200: poolAnswer } };
  app.put<ById>('/pools/:id', { schema: update }, async (request) => {
    const { pool, tree } = await locate(request.params.id);
    authorize(policy, 'pool:put', callerOf(request), pool.projectId);
    const context = tools.context();
    const patch = camel(bodyOf(request, poolUpdateBody).pool);
    const put = changePool(pool, patch, tree.loadBalancer.provider, context);
    if (namesSecrets(patch)) await tools.checkSecrets([referencesOfPool(put)], pool.projectId);
    await tools.apply(planChange(context, 'update', tree, { kind: 'pool', put }));
    return tools.answer('pool', put.id);
  });

  app.delete<ById>('/pools/:id', { schema: { response: { 204: nothing() } } }, async (request, reply) => {
    const { pool, tree } = await locate(request.params.id);
    authorize(policy, 'pool:delete', callerOf(request), pool.projectId);
    const user = tree.listeners.flatMap((one) => one.l7Policies).find((one) => one.redirectPoolId === pool.id);
    if (user) throw conflict(`Pool ${pool.id} is in use by L7 policy ${user.id}`);
    await tools.apply(planChange(tools.context(), 'delete', tree, { kind: 'pool', put: pool }));
    return reply.code(204).send();
  });
}
