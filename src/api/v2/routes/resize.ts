import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { planResize } from '../../../core/lbaas/changes.ts';
import { checkResize } from '../../../core/lbaas/load-balancer.ts';
import { profileLookup } from '../../../services/profile-lookup.ts';
import { authorize } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { resizeBody } from '../schemas/load-balancer.ts';
import { nothing } from '../schemas/query.ts';
import { callerOf } from './reads.ts';
import type { ById, WriteTools } from './write-tools.ts';

/** Another flavor for a load balancer: what Octavia has no route for, under a path that it will never have. */
export function resizeRoute(app: FastifyInstance, deps: ApiDeps, tools: WriteTools): void {
  const profiles = profileLookup(deps);
  const schema = { body: resizeBody, response: { 202: nothing() } };
  app.put<ById>('/kiln/loadbalancers/:id/flavor', { schema }, async (request, reply) => {
    const tree = await tools.treeOf(request.params.id);
    const { loadBalancer } = tree;
    authorize(deps.policy, 'loadbalancer:put_flavor', callerOf(request), loadBalancer.projectId);
    // Null is a wish of its own here: no flavor.
    const { flavor_id: flavorId } = request.body as Static<typeof resizeBody>;
    const wanted = { flavorId, availabilityZone: null };
    const resolved = await profiles.resolve(wanted);
    checkResize(loadBalancer, flavorId, resolved);
    await profiles.assertServed(wanted, resolved);
    await tools.apply(planResize(tools.context(), tree, flavorId), { aboutItself: true });
    return reply.code(202).send();
  });
}
