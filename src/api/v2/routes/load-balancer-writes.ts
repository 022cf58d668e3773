import type { FastifyInstance } from 'fastify';
import { missingProject, validationFailure } from '../../../core/lbaas/api-errors.ts';
import { planChange, planCreation, planFailover, type Subject } from '../../../core/lbaas/changes.ts';
import { makeFullyPopulated } from '../../../core/lbaas/fully-populated.ts';
import {
  allowedVipNetworks,
  changeLoadBalancer,
  checkFlavor,
  checkLoadBalancerSpec,
  checkOfferIsServed,
  checkZone,
  invalidFlavor,
  makeLoadBalancer,
  type ResolvedProfiles,
} from '../../../core/lbaas/load-balancer.ts';
import { countKinds } from '../../../core/lbaas/quota.ts';
import type { LoadBalancerSpec } from '../../../core/lbaas/spec.ts';
import { KilnError, ServiceError } from '../../../model/errors.ts';
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
import { referencesOfListener, referencesOfPool } from '../secret-references.ts';
import { camel } from '../wire/camel.ts';
import { treeToWire } from '../wire/load-balancer.ts';
import { translated } from './flavor-tools.ts';
import { callerOf } from './reads.ts';
import { type ById, bodyOf, type WriteTools } from './write-tools.ts';

/** Creations, changes, deletions and failovers of load balancers. */
export function loadBalancerWrites(app: FastifyInstance, deps: ApiDeps, tools: WriteTools): void {
  const { policy, vips, reservations, flavors } = deps;

  const create = { body: loadBalancerCreateBody, response: { 201: loadBalancerFullAnswer } };
  app.post('/loadbalancers', { schema: create }, async (request, reply) => {
    const { loadbalancer } = bodyOf(request, loadBalancerCreateBody);
    const caller = callerOf(request);
    const projectId = loadbalancer.project_id || loadbalancer.tenant_id || caller.projectId;
    if (!projectId) throw missingProject();
    authorize(policy, 'loadbalancer:post', caller, projectId);
    if (loadbalancer.vip_sg_ids !== undefined) authorize(policy, 'loadbalancer:post:vip_sg_ids', caller, projectId);
    const spec = camel(loadbalancer);
    checkLoadBalancerSpec(spec, deps.settings());
    const offer = await resolveProfiles(spec);
    checkOfferIsServed(spec, offer, deps.settings());
    await assertServed(spec, offer);
    // Of the VIP, what is allocated below looks it up.
    await tools.demandNetworkReferences({ listeners: spec.listeners, pools: spec.pools }, request);
    await tools.demandQuota(projectId, { loadbalancer: 1 });

    const making = tools.making();
    const id = making.newId();
    await reservations.reserve(id);
    try {
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
        allowedNetworkIds: allowedVipNetworks(offer, deps.settings()),
        deniedNetworkIds: deps.settings().deniedVipNetworks,
        additional: (spec.additionalVips ?? []).map((vip) => ({
          subnetId: vip.subnetId,
          address: vip.ipAddress ?? null,
          portId: vip.portId ?? null,
        })),
        userToken: userTokenOf(request),
      });
      const tree = makeFullyPopulated(
        making,
        spec,
        makeLoadBalancer(making, spec, projectId, offer, { id, ...allocated }),
      );
      const planned = planCreation(making, tree);
      const quota = await tools.demandQuota(projectId, countKinds(planned.rows));
      await tools.demandSecrets(
        [...tree.listeners.map(referencesOfListener), ...tree.pools.map(referencesOfPool)],
        projectId,
      );
      await tools.apply(planned, { quota });
      return reply.code(201).send({ loadbalancer: treeToWire(tree) });
    } catch (error) {
      await abandon(id);
      throw error;
    }
  });

  /** Never throws: the caller has something to say already, and what stays reserved is found again. */
  async function abandon(loadBalancerId: string): Promise<void> {
    try {
      if (!(await reservations.giveUp(loadBalancerId))) return;
      await vips.release(loadBalancerId);
      await reservations.forget(loadBalancerId);
    } catch {
      // releaseAbandonedVips tries until it is done.
    }
  }

  async function resolveProfiles({ flavorId, availabilityZone }: LoadBalancerSpec): Promise<ResolvedProfiles> {
    let flavor: ResolvedProfiles['flavor'] = null;
    if (flavorId) {
      const { flavorProfileId } = checkFlavor(flavorId, await flavors.get('flavor', flavorId));
      const profile = await flavors.get('flavorProfile', flavorProfileId);
      if (!profile) throw invalidFlavor();
      flavor = { profile, capabilities: await stillThere(flavors.flavorCapabilities(flavorId)) };
    }
    if (!availabilityZone) return { flavor, zone: null };
    checkZone(availabilityZone, await flavors.get('availabilityZone', availabilityZone));
    return { flavor, zone: await stillThere(flavors.zoneCapabilities(availabilityZone)) };
  }

  /** Refuses to build what can't be built. A cloud that can't say is asked again by the flow. */
  async function assertServed(
    { flavorId, availabilityZone }: LoadBalancerSpec,
    { flavor, zone }: ResolvedProfiles,
  ): Promise<void> {
    if (!flavor && !zone) return;
    try {
      await deps.offers.check({ ...flavor?.capabilities, ...zone });
    } catch (error) {
      if (error instanceof ServiceError) return;
      if (!(error instanceof KilnError) || error.code !== 'REQUEST_INVALID') throw error;
      // What the profile names is for administrators to read.
      const { field } = error.details;
      const named =
        field === 'compute_flavor' || field === 'amp_image_tag'
          ? `flavor_id ${flavorId}`
          : `availability_zone ${availabilityZone}`;
      throw validationFailure(
        `${named} can not be served: its ${field} names what is not there. Choose another one, or ask an administrator to correct its profile.`,
      );
    }
  }

  const update = { body: loadBalancerUpdateBody, response: { 200: loadBalancerAnswer } };
  app.put<ById>('/loadbalancers/:id', { schema: update }, async (request) => {
    const tree = await tools.treeOf(request.params.id);
    const { id, projectId } = tree.loadBalancer;
    authorize(policy, 'loadbalancer:put', callerOf(request), projectId);
    const { loadbalancer } = bodyOf(request, loadBalancerUpdateBody);
    if (loadbalancer.vip_sg_ids !== undefined) {
      authorize(policy, 'loadbalancer:put:vip_sg_ids', callerOf(request), projectId);
    }
    const making = tools.making();
    const patch = camel(loadbalancer);
    const put = changeLoadBalancer(tree.loadBalancer, patch, making.now);
    await tools.demandNetworkReferences(patch, request);
    await tools.apply(planChange(making, 'update', tree, { kind: 'loadbalancer', put }), { aboutItself: true });
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
    await tools.apply(planChange(tools.making(), 'delete', tree, subject, { input: { cascade } }), {
      aboutItself: true,
    });
    return reply.code(204).send();
  });

  app.put<ById>('/loadbalancers/:id/failover', { schema: { response: { 202: nothing() } } }, async (request, reply) => {
    const tree = await tools.treeOf(request.params.id);
    authorize(policy, 'loadbalancer:put_failover', callerOf(request), tree.loadBalancer.projectId);
    await tools.apply(planFailover(tools.making(), tree), { aboutItself: true });
    return reply.code(202).send();
  });
}

/** What went between two looks at it: the request is to be decided anew, without it. */
const stillThere = <T>(look: Promise<T>): Promise<T> =>
  translated(look, {
    RESOURCE_NOT_FOUND: () => new KilnError('CHANGE_OUTDATED', 'the flavor or the zone is gone since it was found'),
  });
