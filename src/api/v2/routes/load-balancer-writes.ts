import type { FastifyInstance } from 'fastify';
import { missingProject, validationFailure } from '../../../core/lbaas/api-errors.ts';
import { planChange, planFailover, type Subject } from '../../../core/lbaas/changes.ts';
import { changeLoadBalancer } from '../../../core/lbaas/load-balancer.ts';
import { createLoadBalancer } from '../../../services/create-load-balancer.ts';
import { userTokenOf } from '../../auth/authenticate.ts';
import { authorize } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import {
  loadBalancerAnswer,
  loadBalancerCreateBody,
  loadBalancerFullAnswer,
  loadBalancerUpdateBody,
} from '../schemas/load-balancer.ts';
import { flagQuery, nothing } from '../schemas/query.ts';
import { camel } from '../wire/camel.ts';
import { treeToWire } from '../wire/load-balancer.ts';
import { callerOf } from './reads.ts';
import { type ById, bodyOf, type WriteTools } from './write-tools.ts';

/** Creations, changes, deletions and failovers of load balancers. */
export function loadBalancerWrites(app: FastifyInstance, deps: ApiDeps, tools: WriteTools): void {
  const { policy } = deps;
  const make = createLoadBalancer({ ...deps, changes: tools.changes });

  const create = { body: loadBalancerCreateBody, response: { 201: loadBalancerFullAnswer } };
  app.post('/loadbalancers', { schema: create }, async (request, reply) => {
    const { loadbalancer } = bodyOf(request, loadBalancerCreateBody);
    const caller = callerOf(request);
    const projectId = loadbalancer.project_id || loadbalancer.tenant_id || caller.projectId;
    if (!projectId) throw missingProject();
    authorize(policy, 'loadbalancer:post', caller, projectId);
    if (loadbalancer.vip_sg_ids !== undefined) authorize(policy, 'loadbalancer:post:vip_sg_ids', caller, projectId);
    const tree = await make(camel(loadbalancer), { projectId, userToken: userTokenOf(request) });
    return reply.code(201).send({ loadbalancer: treeToWire(tree) });
  });

  const update = { body: loadBalancerUpdateBody, response: { 200: loadBalancerAnswer } };
  app.put<ById>('/loadbalancers/:id', { schema: update }, async (request) => {
    const tree = await tools.treeOf(request.params.id);
    const { id, projectId } = tree.loadBalancer;
    authorize(policy, 'loadbalancer:put', callerOf(request), projectId);
    const { loadbalancer } = bodyOf(request, loadBalancerUpdateBody);
    if (loadbalancer.vip_sg_ids !== undefined) {
      authorize(policy, 'loadbalancer:put:vip_sg_ids', callerOf(request), projectId);
    }
    const context = tools.context();
    const patch = camel(loadbalancer);
    const put = changeLoadBalancer(tree.loadBalancer, patch, context.now);
    await tools.checkNetworkReferences(patch, request);
    await tools.apply(planChange(context, 'update', tree, { kind: 'loadbalancer', put }), { aboutItself: true });
    return tools.answer('loadbalancer', id);
  });

  const cascadeWish = 'Also what is in it; without it a load balancer must be empty.';
  const removal = { querystring: flagQuery('cascade', cascadeWish), response: { 204: nothing() } };
  app.delete<ById>('/loadbalancers/:id', { schema: removal }, async (request, reply) => {
    const tree = await tools.treeOf(request.params.id);
    const { loadBalancer } = tree;
    authorize(policy, 'loadbalancer:delete', callerOf(request), loadBalancer.projectId);
    const { cascade: wish } = request.query as { cascade?: string };
    const cascade = typeof wish === 'string' && /^(true|t|yes|y|on|1)$/i.test(wish);
    if (!cascade && tree.listeners.length + tree.pools.length > 0) {
      throw validationFailure(`Cannot delete Load Balancer ${loadBalancer.id} - it has children`);
    }
    const subject: Subject = { kind: 'loadbalancer', put: loadBalancer };
    await tools.apply(planChange(tools.context(), 'delete', tree, subject, { input: { cascade } }), {
      aboutItself: true,
    });
    return reply.code(204).send();
  });

  app.put<ById>('/loadbalancers/:id/failover', { schema: { response: { 202: nothing() } } }, async (request, reply) => {
    const tree = await tools.treeOf(request.params.id);
    authorize(policy, 'loadbalancer:put_failover', callerOf(request), tree.loadBalancer.projectId);
    await tools.apply(planFailover(tools.context(), tree), { aboutItself: true });
    return reply.code(202).send();
  });
}
