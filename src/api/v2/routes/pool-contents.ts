import type { FastifyInstance } from 'fastify';
import { conflict, notFound, validationFailure } from '../../../core/lbaas/api-errors.ts';
import {
  checkLoadBalancerIsMutable,
  checkParentIsMutable,
  planChange,
  planMembers,
} from '../../../core/lbaas/changes.ts';
import { changeHealthMonitor, makeHealthMonitor } from '../../../core/lbaas/health-monitor.ts';
import { changeMember, endpointOf, makeMember, replaceMember, takeEndpoint } from '../../../core/lbaas/member.ts';
import { kindTitle } from '../../../core/lbaas/resource-names.ts';
import { authorize } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { healthMonitorAnswer, healthMonitorCreateBody, healthMonitorUpdateBody } from '../schemas/health-monitor.ts';
import { memberAnswer, memberCreateBody, membersReplaceBody, memberUpdateBody } from '../schemas/member.ts';
import { flagQuery, nothing } from '../schemas/query.ts';
import { camel } from '../wire/camel.ts';
import { callerOf } from './reads.ts';
import { type ById, bodyOf, type WriteTools } from './write-tools.ts';

const removal = { response: { 204: nothing() } };

type InPool = { Params: { parentId: string } };

/** Creations, changes and deletions of members and health monitors. */
export function poolContentsWrites(app: FastifyInstance, deps: ApiDeps, tools: WriteTools): void {
  const { policy, store, settings } = deps;

  async function locate(poolId: string | null) {
    const found = poolId === null ? null : await store.get('pool', poolId);
    if (!found) throw notFound(kindTitle.pool, poolId);
    const tree = await tools.treeOf(found.loadBalancerId);
    const pool = tree.pools.find(({ id }) => id === poolId);
    if (!pool) throw notFound(kindTitle.pool, poolId);
    return { pool, tree };
  }
  type Located = Awaited<ReturnType<typeof locate>>;

  function checkMutable({ pool, tree }: Located): void {
    checkLoadBalancerIsMutable(tree.loadBalancer);
    checkParentIsMutable('Pool', pool);
  }
  const home = ({ pool }: Located) => ({ ...pool, monitored: pool.healthMonitor !== null });

  const createMember = { body: memberCreateBody, response: { 201: memberAnswer } };
  app.post<InPool>('/pools/:parentId/members', { schema: createMember }, async (request, reply) => {
    const at = await locate(request.params.parentId);
    authorize(policy, 'member:post', callerOf(request), at.pool.projectId);
    const spec = camel(bodyOf(request, memberCreateBody).member);
    const context = tools.context();
    const put = makeMember(context, spec, home(at));
    await tools.checkNetworkReferences(spec, request);
    const quota = await tools.requireQuota(at.pool.projectId, { member: 1 });
    checkMutable(at);
    takeEndpoint(put, new Set(at.pool.members.map(endpointOf)));
    await tools.apply(planChange(context, 'create', at.tree, { kind: 'member', put }), { quota });
    return reply.code(201).send(await tools.answer('member', put.id));
  });

  const replaceMembers = {
    querystring: flagQuery('additive_only', 'Those that the request leaves out stay.'),
    body: membersReplaceBody,
    response: { 202: nothing() },
  };
  /** The whole list: what isn't there yet is made, what is there is changed, the rest goes (unless additive_only). */
  app.put<InPool>('/pools/:parentId/members', { schema: replaceMembers }, async (request, reply) => {
    const at = await locate(request.params.parentId);
    const { projectId, members: before } = at.pool;
    const { additive_only: wish } = request.query as { additive_only?: string };
    const additive = typeof wish === 'string' && /^(true|t|yes|y|on|1)$/i.test(wish);
    authorize(policy, 'member:post', callerOf(request), projectId);
    authorize(policy, 'member:put', callerOf(request), projectId);
    if (!additive) authorize(policy, 'member:delete', callerOf(request), projectId);
    checkMutable(at);
    const context = tools.context();
    const specs = camel(bodyOf(request, membersReplaceBody).members);
    const present = new Map(before.map((member) => [endpointOf(member), member]));
    const known = (spec: (typeof specs)[number]) => present.get(endpointOf(spec));
    const updated = specs.flatMap((spec) => {
      const member = known(spec);
      return member ? [replaceMember(member, spec, context)] : [];
    });
    if (new Set(updated.map(({ id }) => id)).size < updated.length) {
      throw validationFailure('Member must be updated only once in the same request.');
    }
    const created = specs.filter((spec) => !known(spec)).map((spec) => makeMember(context, spec, home(at)));
    const taken = new Set<string>();
    for (const member of created) takeEndpoint(member, taken);
    // A subnet that the member is in already was looked up when it came.
    await tools.checkNetworkReferences(
      specs.filter((spec) => known(spec)?.subnetId !== spec.subnetId),
      request,
    );
    const named = new Set(specs.map(endpointOf));
    const deleted = additive ? [] : before.filter((member) => !named.has(endpointOf(member)));
    const quota = await tools.requireQuota(projectId, { member: created.length - deleted.length });
    const changes = { created, updated, deleted };
    if (created.length + updated.length + deleted.length > 0) {
      const { members: _members, healthMonitor: _monitor, ...pool } = at.pool;
      await tools.apply(planMembers(context, at.tree, pool, changes), { quota });
    }
    return reply.code(202).send();
  });

  type Member = { Params: { parentId: string; id: string } };
  async function locateMember({ parentId: poolId, id }: Member['Params']) {
    const found = await store.get('member', id);
    const at = found && found.poolId === poolId ? await locate(poolId) : null;
    const member = at?.pool.members.find((one) => one.id === id);
    if (!at || !member) throw notFound(kindTitle.member, id);
    return { ...at, member };
  }

  const updateMember = { body: memberUpdateBody, response: { 200: memberAnswer } };
  app.put<Member>('/pools/:parentId/members/:id', { schema: updateMember }, async (request) => {
    const at = await locateMember(request.params);
    authorize(policy, 'member:put', callerOf(request), at.member.projectId);
    checkMutable(at);
    const context = tools.context();
    const put = changeMember(at.member, camel(bodyOf(request, memberUpdateBody).member), context);
    await tools.apply(planChange(context, 'update', at.tree, { kind: 'member', put }));
    return tools.answer('member', put.id);
  });

  app.delete<Member>('/pools/:parentId/members/:id', { schema: removal }, async (request, reply) => {
    const at = await locateMember(request.params);
    authorize(policy, 'member:delete', callerOf(request), at.member.projectId);
    checkMutable(at);
    await tools.apply(planChange(tools.context(), 'delete', at.tree, { kind: 'member', put: at.member }));
    return reply.code(204).send();
  });

  const createMonitor = { body: healthMonitorCreateBody, response: { 201: healthMonitorAnswer } };
  app.post('/healthmonitors', { schema: createMonitor }, async (request, reply) => {
    const { healthmonitor } = bodyOf(request, healthMonitorCreateBody);
    const at = await locate(healthmonitor.pool_id);
    authorize(policy, 'healthmonitor:post', callerOf(request), at.pool.projectId);
    const context = tools.context();
    const put = makeHealthMonitor(context, camel(healthmonitor), at.pool);
    const quota = await tools.requireQuota(at.pool.projectId, { healthmonitor: 1 });
    checkMutable(at);
    if (at.pool.healthMonitor) throw conflict('This pool already has a health monitor');
    await tools.apply(planChange(context, 'create', at.tree, { kind: 'healthmonitor', put }), { quota });
    return reply.code(201).send(await tools.answer('healthmonitor', put.id));
  });

  async function locateMonitor(id: string) {
    const found = await store.get('healthmonitor', id);
    const at = found && (await locate(found.poolId));
    const monitor = at?.pool.healthMonitor;
    if (!at || monitor?.id !== id) throw notFound(kindTitle.healthmonitor, id);
    return { ...at, monitor };
  }

  const updateMonitor = { body: healthMonitorUpdateBody, response: { 200: healthMonitorAnswer } };
  app.put<ById>('/healthmonitors/:id', { schema: updateMonitor }, async (request) => {
    const at = await locateMonitor(request.params.id);
    authorize(policy, 'healthmonitor:put', callerOf(request), at.monitor.projectId);
    const context = tools.context();
    const patch = camel(bodyOf(request, healthMonitorUpdateBody).healthmonitor);
    const put = changeHealthMonitor(at.monitor, patch, at.pool.protocol, settings(), context.now);
    checkMutable(at);
    await tools.apply(planChange(context, 'update', at.tree, { kind: 'healthmonitor', put }));
    return tools.answer('healthmonitor', put.id);
  });

  app.delete<ById>('/healthmonitors/:id', { schema: removal }, async (request, reply) => {
    const at = await locateMonitor(request.params.id);
    authorize(policy, 'healthmonitor:delete', callerOf(request), at.monitor.projectId);
    checkMutable(at);
    await tools.apply(planChange(tools.context(), 'delete', at.tree, { kind: 'healthmonitor', put: at.monitor }));
    return reply.code(204).send();
  });
}
