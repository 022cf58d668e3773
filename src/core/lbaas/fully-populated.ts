import type {
  L7Policy,
  L7Rule,
  Listener,
  LoadBalancer,
  LoadBalancerTree,
  Member,
  Pool,
} from '../../model/load-balancer.ts';
import { conflict, validationFailure } from './api-errors.ts';
import type { CreationContext } from './creation-context.ts';
import { makeHealthMonitor } from './health-monitor.ts';
import { inOrderOfWishes, makeL7Policy } from './l7-policy.ts';
import { makeL7Rule } from './l7-rule.ts';
import { rulesPerPolicy } from './limits.ts';
import { checkPortIsFree, makeListener, noChildren } from './listener.ts';
import { makeMember, takeEndpoint } from './member.ts';
import { checkProtocols, makePool } from './pool.ts';
import type { L7PolicySpec, ListenerSpec, LoadBalancerSpec, PoolSpec } from './spec.ts';

/** Creations of things with what is in them, in one request. */

type TreePool = LoadBalancerTree['pools'][number];
type TreeListener = LoadBalancerTree['listeners'][number];

/** A pool with its members and its monitor. */
export function makePopulatedPool(context: CreationContext, spec: PoolSpec, loadBalancer: LoadBalancer): TreePool {
  const { protocol, lbAlgorithm } = spec;
  if (!protocol) throw missing(spec, 'protocol');
  if (!lbAlgorithm) throw missing(spec, 'lb_algorithm');
  const pool = makePool(context, { ...spec, protocol, lbAlgorithm }, loadBalancer);
  const healthMonitor = spec.healthmonitor ? makeHealthMonitor(context, spec.healthmonitor, pool) : null;
  const members: Member[] = [];
  const taken = new Set<string>();
  for (const one of spec.members ?? []) {
    takeEndpoint(one, taken);
    members.push(makeMember(context, one, { ...pool, monitored: healthMonitor !== null }));
  }
  return { ...pool, members, healthMonitor };
}

const missing = (spec: PoolSpec, attribute: string) =>
  validationFailure(`Pool definition for '${spec.name ?? ''}' missing required attribute: ${attribute}`);

/** A policy with its rules. */
export function makePopulatedPolicy(
  context: CreationContext,
  spec: L7PolicySpec,
  listener: { id: string; projectId: string },
  redirectPoolId: string | null,
): L7Policy & { rules: L7Rule[] } {
  const policy = makeL7Policy(context, spec, listener, redirectPoolId);
  const rules = spec.rules ?? [];
  checkRuleCount(policy.id, rules.length);
  return { ...policy, rules: rules.map((rule) => makeL7Rule(context, rule, policy)) };
}

export function checkRuleCount(policyId: string, count: number): void {
  if (count > rulesPerPolicy) throw conflict(`Too many rules on L7 policy ${policyId}`);
}

/**
 * Everything that shall be in a load balancer. Pools may stand in the list of pools or where they are used; a pool with
 * nothing but a name refers to one that is spelled out elsewhere in the request.
 */
export function makeFullyPopulated(
  context: CreationContext,
  spec: LoadBalancerSpec,
  loadBalancer: LoadBalancer,
): LoadBalancerTree {
  const listeners = spec.listeners ?? [];
  const used = listeners.flatMap((listener) => [
    listener.defaultPool,
    ...(listener.l7policies ?? []).map(({ redirectPool }) => redirectPool),
  ]);
  const specs = [...(spec.pools ?? []), ...used.filter((pool) => pool != null).filter(isSpelledOut)];
  const names = specs.map(({ name }) => name);
  for (const pool of used) {
    if (pool && !pool.name)
      throw validationFailure('Pools must be named when creating a fully populated loadbalancer.');
  }
  if (new Set(names).size < names.length) {
    throw validationFailure('Pool names must be unique when creating a fully populated loadbalancer.');
  }
  const pools = specs.map((pool) => makePopulatedPool(context, pool, loadBalancer));

  function poolOf(reference: PoolSpec | null | undefined, id?: string | null): Pool | null {
    if (id) throw validationFailure(`Pool ${id} is not a pool of this load balancer.`);
    if (!reference) return null;
    const pool = pools.find(({ name }) => name === reference.name);
    if (pool) return pool;
    throw validationFailure(`Pool '${reference.name}' was referenced but no full definition was found.`);
  }

  const made: TreeListener[] = [];
  for (const one of listeners) {
    checkPortIsFree(one, made);
    made.push(makePopulatedListener(context, one, loadBalancer, made, poolOf));
  }
  return { loadBalancer, listeners: made, pools };
}

/** More than a name: a definition, not a reference. */
function isSpelledOut(pool: PoolSpec): boolean {
  const { name: _name, adminStateUp: _adminStateUp, tlsEnabled: _tlsEnabled, ...rest } = pool;
  return Object.values(rest).some((value) => value != null);
}

function makePopulatedListener(
  context: CreationContext,
  spec: ListenerSpec,
  loadBalancer: LoadBalancer,
  others: readonly Listener[],
  poolOf: (reference: PoolSpec | null | undefined, id?: string | null) => Pool | null,
): TreeListener {
  const policies = spec.l7policies ?? [];
  const pool = poolOf(spec.defaultPool, spec.defaultPoolId);
  if (spec.protocol === 'PROMETHEUS' && (pool || policies.length > 0)) throw noChildren(spec.protocol);
  if (pool) checkProtocols(spec.protocol, pool.protocol);
  const listener = makeListener(context, spec, loadBalancer, others, pool?.id ?? null);
  const made = policies.map((one) => {
    const target = poolOf(one.redirectPool);
    if (target) checkProtocols(spec.protocol, target.protocol);
    return makePopulatedPolicy(context, one, listener, target?.id ?? null);
  });
  return { ...listener, l7Policies: inOrderOfWishes(made) };
}
