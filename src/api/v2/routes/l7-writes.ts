import type { FastifyInstance } from 'fastify';
import { notFound } from '../../../core/lbaas/api-errors.ts';
import {
  checkLoadBalancerIsMutable,
  checkParentIsMutable,
  planChange,
  type Subject,
} from '../../../core/lbaas/changes.ts';
import { checkRuleCount, makePopulatedPolicy } from '../../../core/lbaas/fully-populated.ts';
import { arrangePolicies, changeL7Policy, checkListenerTakesPolicies } from '../../../core/lbaas/l7-policy.ts';
import { changeL7Rule, makeL7Rule } from '../../../core/lbaas/l7-rule.ts';
import { noChildren } from '../../../core/lbaas/listener.ts';
import { checkProtocols } from '../../../core/lbaas/pool.ts';
import { kindTitle } from '../../../core/lbaas/resource-names.ts';
import { policyRow } from '../../../core/operations/tree-rows.ts';
import type { L7Policy, LoadBalancerTree } from '../../../model/load-balancer.ts';
import { authorize } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { l7PolicyAnswer, l7PolicyCreateBody, l7PolicyUpdateBody } from '../schemas/l7-policy.ts';
import { l7RuleAnswer, l7RuleCreateBody, l7RuleUpdateBody } from '../schemas/l7-rule.ts';
import { nothing } from '../schemas/query.ts';
import { camel } from '../wire/camel.ts';
import { callerOf } from './reads.ts';
import { type ById, bodyOf, poolInTree, type WriteTools } from './write-tools.ts';

type TreeListener = LoadBalancerTree['listeners'][number];
type InPolicy = { Params: { parentId: string } };
type Rule = { Params: { parentId: string; id: string } };

const removal = { response: { 204: nothing() } };

/** What Octavia calls a policy where it is the parent of rules; elsewhere it is an "L7 Policy". */
const parentTitle = 'L7Policy';

/** Creations, changes and deletions of L7 policies and their rules. */
export function l7Writes(app: FastifyInstance, deps: ApiDeps, tools: WriteTools): void {
  policyWrites(app, deps, tools);
  ruleWrites(app, deps, tools);
}

function policyWrites(app: FastifyInstance, deps: ApiDeps, tools: WriteTools): void {
  const { policy: access } = deps;
  const locate = policyLocator(deps, tools);

  const create = { body: l7PolicyCreateBody, response: { 201: l7PolicyAnswer } };
  app.post('/l7policies', { schema: create }, async (request, reply) => {
    const { l7policy } = bodyOf(request, l7PolicyCreateBody);
    const { listener, tree } = await locateListener(deps, tools, l7policy.listener_id);
    const { projectId } = tree.loadBalancer;
    authorize(access, 'l7policy:post', callerOf(request), projectId);
    if (listener.protocol === 'PROMETHEUS') throw noChildren(listener.protocol);
    checkTarget(tree, listener, l7policy.redirect_pool_id);
    const quota = await tools.requireQuota(projectId, { l7policy: 1, l7rule: l7policy.rules?.length ?? 0 });
    const context = tools.context();
    const whole = makePopulatedPolicy(context, camel(l7policy), listener, l7policy.redirect_pool_id ?? null);
    checkLoadBalancerIsMutable(tree.loadBalancer);
    checkListenerTakesPolicies(listener, tree.loadBalancer.provider);
    const { put, rows } = placed(listener, policyRow(whole));
    const change = planChange(context, 'create', tree, { kind: 'l7policy', put }, { rows });
    const rules = whole.rules.map((rule): Subject => ({ kind: 'l7rule', put: rule }));
    await tools.apply({ ...change, rows: [...change.rows, ...rules] }, { quota });
    return reply.code(201).send(await tools.answer('l7policy', put.id));
  });

  const update = { body: l7PolicyUpdateBody, response: { 200: l7PolicyAnswer } };
  app.put<ById>('/l7policies/:id', { schema: update }, async (request) => {
    const { policy, listener, tree } = await locate(request.params.id, kindTitle.l7policy);
    authorize(access, 'l7policy:put', callerOf(request), tree.loadBalancer.projectId);
    const context = tools.context();
    const changed = changeL7Policy(policy, camel(bodyOf(request, l7PolicyUpdateBody).l7policy), context.now);
    if (changed.redirectPoolId !== policy.redirectPoolId) checkTarget(tree, listener, changed.redirectPoolId);
    checkLoadBalancerIsMutable(tree.loadBalancer);
    const { put, rows } = placed(listener, changed);
    await tools.apply(planChange(context, 'update', tree, { kind: 'l7policy', put }, { rows }));
    return tools.answer('l7policy', put.id);
  });

  app.delete<ById>('/l7policies/:id', { schema: removal }, async (request, reply) => {
    const { policy, listener, tree } = await locate(request.params.id, kindTitle.l7policy);
    authorize(access, 'l7policy:delete', callerOf(request), tree.loadBalancer.projectId);
    checkLoadBalancerIsMutable(tree.loadBalancer);
    const others = listener.l7Policies.map(policyRow).filter(({ id }) => id !== policy.id);
    const rows = moved(listener, arrangePolicies(others, null));
    await tools.apply(planChange(tools.context(), 'delete', tree, { kind: 'l7policy', put: policy }, { rows }));
    return reply.code(204).send();
  });
}

function ruleWrites(app: FastifyInstance, deps: ApiDeps, tools: WriteTools): void {
  const { policy: access } = deps;
  const locate = policyLocator(deps, tools);

  type Located = Awaited<ReturnType<typeof locate>>;
  function checkMutable({ policy, tree }: Located): void {
    checkParentIsMutable(parentTitle, policy);
    checkLoadBalancerIsMutable(tree.loadBalancer);
  }

  const create = { body: l7RuleCreateBody, response: { 201: l7RuleAnswer } };
  app.post<InPolicy>('/l7policies/:parentId/rules', { schema: create }, async (request, reply) => {
    const at = await locate(request.params.parentId, parentTitle);
    const { projectId } = at.tree.loadBalancer;
    authorize(access, 'l7rule:post', callerOf(request), projectId);
    const context = tools.context();
    const put = makeL7Rule(context, camel(bodyOf(request, l7RuleCreateBody).rule), at.policy);
    checkRuleCount(at.policy.id, at.rules.length + 1);
    const quota = await tools.requireQuota(projectId, { l7rule: 1 });
    checkMutable(at);
    await tools.apply(planChange(context, 'create', at.tree, { kind: 'l7rule', put }), { quota });
    return reply.code(201).send(await tools.answer('l7rule', put.id));
  });

  async function locateRule({ parentId, id }: Rule['Params']) {
    const at = await locate(parentId, parentTitle);
    const rule = at.rules.find((one) => one.id === id);
    if (!rule) throw notFound(kindTitle.l7rule, id);
    return { ...at, rule };
  }

  const update = { body: l7RuleUpdateBody, response: { 200: l7RuleAnswer } };
  app.put<Rule>('/l7policies/:parentId/rules/:id', { schema: update }, async (request) => {
    const at = await locateRule(request.params);
    authorize(access, 'l7rule:put', callerOf(request), at.tree.loadBalancer.projectId);
    const context = tools.context();
    const put = changeL7Rule(at.rule, camel(bodyOf(request, l7RuleUpdateBody).rule), context.now);
    checkMutable(at);
    await tools.apply(planChange(context, 'update', at.tree, { kind: 'l7rule', put }));
    return tools.answer('l7rule', put.id);
  });

  app.delete<Rule>('/l7policies/:parentId/rules/:id', { schema: removal }, async (request, reply) => {
    const at = await locateRule(request.params);
    authorize(access, 'l7rule:delete', callerOf(request), at.tree.loadBalancer.projectId);
    checkMutable(at);
    await tools.apply(planChange(tools.context(), 'delete', at.tree, { kind: 'l7rule', put: at.rule }));
    return reply.code(204).send();
  });
}

async function locateListener({ store }: ApiDeps, tools: WriteTools, listenerId: string | null) {
  const found = listenerId === null ? null : await store.get('listener', listenerId);
  const tree = found && (await tools.treeOf(found.loadBalancerId));
  const listener = tree?.listeners.find(({ id }) => id === listenerId);
  if (!tree || !listener) throw notFound(kindTitle.listener, listenerId);
  return { listener, tree };
}

/** Finds a policy, its rules, and where it hangs; the title is what a refusal calls it. */
function policyLocator(deps: ApiDeps, tools: WriteTools) {
  return async (policyId: string, title: string) => {
    const found = await deps.store.get('l7policy', policyId);
    const at = found && (await locateListener(deps, tools, found.listenerId));
    const whole = at?.listener.l7Policies.find(({ id }) => id === policyId);
    if (!at || !whole) throw notFound(title, policyId);
    return { ...at, policy: policyRow(whole), rules: whole.rules };
  };
}

/** The pool that a policy sends to is one of the same load balancer, and speaks what the listener speaks. */
function checkTarget(tree: LoadBalancerTree, listener: TreeListener, poolId: string | null | undefined): void {
  const pool = poolInTree(tree, poolId);
  if (pool) checkProtocols(listener.protocol, pool.protocol);
}

/** A policy at the position that it gets, and the rows of those that make room for it. */
function placed(listener: TreeListener, wish: L7Policy): { put: L7Policy; rows: Subject[] } {
  const arranged = arrangePolicies(listener.l7Policies.map(policyRow), wish);
  const put = arranged.find(({ id }) => id === wish.id) ?? wish;
  return {
    put,
    rows: moved(
      listener,
      arranged.filter(({ id }) => id !== wish.id),
    ),
  };
}

/** The rows of the policies that stand elsewhere than before. */
function moved(listener: TreeListener, arranged: readonly L7Policy[]): Subject[] {
  const before = new Map(listener.l7Policies.map(({ id, position }) => [id, position]));
  return arranged.filter(({ id, position }) => before.get(id) !== position).map((put) => ({ kind: 'l7policy', put }));
}
