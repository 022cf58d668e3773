import type { FastifyInstance } from 'fastify';
import { notFound, validationFailure } from '../../../core/lbaas/api-errors.ts';
import { checkLoadBalancerIsMutable, planChange } from '../../../core/lbaas/changes.ts';
import { changeListener, checkPortIsFree, makeListener, noChildren } from '../../../core/lbaas/listener.ts';
import { checkProtocols } from '../../../core/lbaas/pool.ts';
import { kindTitle } from '../../../core/lbaas/resource-names.ts';
import { listenerRow } from '../../../core/operations/tree-rows.ts';
import { namesSecrets, referencesOfListener } from '../../../services/secret-references.ts';
import { authorize } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { listenerAnswer, listenerCreateBody, listenerUpdateBody } from '../schemas/listener.ts';
import { nothing } from '../schemas/query.ts';
import { camel } from '../wire/camel.ts';
import { callerOf } from './reads.ts';
import { type ById, bodyOf, poolInTree, type WriteTools } from './write-tools.ts';

/** Creations, changes and deletions of listeners. */
export function listenerWrites(app: FastifyInstance, deps: ApiDeps, tools: WriteTools): void {
  const { policy, store } = deps;

  const create = { body: listenerCreateBody, response: { 201: listenerAnswer } };
  app.post('/listeners', { schema: create }, async (request, reply) => {
    const { listener } = bodyOf(request, listenerCreateBody);
    const tree = await tools.treeOf(listener.loadbalancer_id);
    const { loadBalancer } = tree;
    authorize(policy, 'listener:post', callerOf(request), loadBalancer.projectId);
    const quota = await tools.requireQuota(loadBalancer.projectId, { listener: 1 });
    if (listener.default_pool || listener.l7policies?.length) {
      throw validationFailure('default_pool and l7policies are for fully populated loadbalancers alone.');
    }
    const spec = camel(listener);
    const pool = poolInTree(tree, spec.defaultPoolId);
    if (pool && spec.protocol === 'PROMETHEUS') throw noChildren(spec.protocol);
    if (pool) checkProtocols(spec.protocol, pool.protocol);
    const context = tools.context();
    const put = makeListener(context, spec, loadBalancer, tree.listeners, pool?.id ?? null);
    await tools.checkSecrets([referencesOfListener(put)], loadBalancer.projectId);
    checkLoadBalancerIsMutable(loadBalancer);
    checkPortIsFree(put, tree.listeners);
    await tools.apply(planChange(context, 'create', tree, { kind: 'listener', put }), { quota });
    return reply.code(201).send(await tools.answer('listener', put.id));
  });

  async function locate(id: string) {
    const found = await store.get('listener', id);
    const tree = found && (await tools.treeOf(found.loadBalancerId));
    const listener = tree?.listeners.find((one) => one.id === id);
    if (!tree || !listener) throw notFound(kindTitle.listener, id);
    return { listener: listenerRow(listener), tree };
  }

  const update = { body: listenerUpdateBody, response: { 200: listenerAnswer } };
  app.put<ById>('/listeners/:id', { schema: update }, async (request) => {
    const { listener, tree } = await locate(request.params.id);
    authorize(policy, 'listener:put', callerOf(request), listener.projectId);
    const absent = () => validationFailure('No listener object supplied.');
    const patch = camel(bodyOf(request, listenerUpdateBody, absent).listener);
    const pool = poolInTree(tree, patch.defaultPoolId);
    if (pool && listener.protocol === 'PROMETHEUS') throw noChildren(listener.protocol);
    if (pool) checkProtocols(listener.protocol, pool.protocol);
    const context = tools.context();
    const put = changeListener(listener, patch, tree.loadBalancer, deps.settings(), context.now);
    if (namesSecrets(patch)) await tools.checkSecrets([referencesOfListener(put)], listener.projectId);
    await tools.apply(planChange(context, 'update', tree, { kind: 'listener', put }));
    return tools.answer('listener', put.id);
  });

  app.delete<ById>('/listeners/:id', { schema: { response: { 204: nothing() } } }, async (request, reply) => {
    const { listener, tree } = await locate(request.params.id);
    authorize(policy, 'listener:delete', callerOf(request), listener.projectId);
    await tools.apply(planChange(tools.context(), 'delete', tree, { kind: 'listener', put: listener }));
    return reply.code(204).send();
  });
}
