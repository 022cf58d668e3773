import type { L7Policy } from '../../model/load-balancer.ts';
import { invalidRequest, providerCannot } from './api-errors.ts';
import { type CreationContext, changedRow, newRow, patched } from './creation-context.ts';
import { defaultRedirectHttpCode, policyPosition } from './limits.ts';
import type { L7PolicyPatch, L7PolicySpec } from './spec.ts';

type Redirect = Pick<L7Policy, 'action' | 'redirectPoolId' | 'redirectUrl' | 'redirectPrefix' | 'redirectHttpCode'>;

const protocolsWithPolicies: readonly string[] = ['HTTP', 'TERMINATED_HTTPS'];

/** As Octavia's amphora driver checks it: after everything else (octavia/api/drivers/amphora_driver). */
export function checkListenerTakesPolicies(listener: { protocol: string }, provider: string): void {
  if (protocolsWithPolicies.includes(listener.protocol)) return;
  throw providerCannot(provider, `${listener.protocol} protocol listeners do not support L7 policies`);
}

/** The position is where it was asked for; `arrangePolicies` finds the one that it gets. */
export function makeL7Policy(
  context: CreationContext,
  spec: L7PolicySpec,
  listener: { id: string; projectId: string },
  redirectPoolId: string | null,
): L7Policy {
  return {
    ...newRow(context, listener.projectId, spec),
    listenerId: listener.id,
    name: spec.name ?? '',
    description: spec.description ?? '',
    position: spec.position ?? policyPosition.maximum,
    ...redirect({
      action: actionIn(spec.action),
      redirectPoolId,
      redirectUrl: spec.redirectUrl ?? null,
      redirectPrefix: spec.redirectPrefix ?? null,
      redirectHttpCode: spec.redirectHttpCode ?? null,
    }),
  };
}

export function changeL7Policy(policy: L7Policy, patch: L7PolicyPatch, now: string): L7Policy {
  if (Object.keys(patch).length === 0) throw invalidArguments('Invalid update options');
  // What a request names decides what the policy does from now on: a new URL ends a redirection to a pool.
  const named = {
    redirectPoolId: patch.redirectPoolId ?? null,
    redirectUrl: patch.redirectUrl ?? null,
    redirectPrefix: patch.redirectPrefix ?? null,
  };
  const action = actionIn(patch.action);
  const retargeted = action !== undefined || Object.values(named).some((target) => target !== null);
  const target: Redirect = retargeted
    ? redirect({
        action: action ?? actionOf(named, policy.action),
        ...named,
        redirectHttpCode: patch.redirectHttpCode ?? null,
      })
    : { ...policy, redirectHttpCode: patched(patch.redirectHttpCode, policy.redirectHttpCode, null) };
  return {
    ...changedRow(policy, patch, now),
    name: patched(patch.name, policy.name, ''),
    description: patched(patch.description, policy.description, ''),
    position: patch.position ?? policy.position,
    action: target.action,
    redirectPoolId: target.redirectPoolId,
    redirectUrl: target.redirectUrl,
    redirectPrefix: target.redirectPrefix,
    redirectHttpCode: target.redirectHttpCode,
  };
}

type Named = Pick<L7Policy, 'redirectPoolId' | 'redirectUrl' | 'redirectPrefix'>;

function actionOf(named: Named, before: L7Policy['action']): L7Policy['action'] {
  if (named.redirectPoolId) return 'REDIRECT_TO_POOL';
  if (named.redirectPrefix) return 'REDIRECT_PREFIX';
  return named.redirectUrl ? 'REDIRECT_TO_URL' : before;
}

/** Null names no action, unlike an action that is left out of a change. */
function actionIn<Action extends L7Policy['action'] | undefined>(action: Action | null): Action {
  if (action === null) throw invalidRequest('Invalid L7 Policy action specified: None');
  return action;
}

const invalidArguments = (why: string) => invalidRequest(`Invalid L7 Policy arguments: ${why}`);

/**
 * The one target that a policy has, and the action that goes with it: of several targets the action drops some, and of what is
 * left a pool goes with nothing else, and a URL comes before a prefix (validate.py, sanitize_l7policy_api_args).
 */
function redirect({ action, redirectHttpCode: code, ...wish }: Redirect): Redirect {
  const none = { redirectPoolId: null, redirectUrl: null, redirectPrefix: null };
  const { redirectPrefix } = wish;
  if (action === 'REDIRECT_TO_URL' && wish.redirectUrl === null)
    throw invalidArguments('redirect_url must not be None');
  if (action === 'REDIRECT_TO_POOL' && wish.redirectPoolId === null) {
    throw invalidArguments('redirect_pool_id or redirect_pool must not be None');
  }
  if (action === 'REDIRECT_PREFIX' && redirectPrefix === null)
    throw invalidArguments('redirect_prefix must not be None');
  const redirectPoolId = action === 'REDIRECT_TO_POOL' || action === 'REDIRECT_PREFIX' ? wish.redirectPoolId : null;
  const redirectUrl = action === 'REDIRECT_TO_URL' || action === 'REDIRECT_PREFIX' ? wish.redirectUrl : null;
  if (redirectPoolId !== null) {
    if (redirectUrl === null && redirectPrefix === null) {
      return { action: 'REDIRECT_TO_POOL', ...none, redirectPoolId, redirectHttpCode: null };
    }
    throw invalidArguments('Cannot specify redirect_pool_id and redirect_url or redirect_prefix at the same time');
  }
  const redirectHttpCode = code ?? defaultRedirectHttpCode;
  if (redirectUrl !== null) return { action: 'REDIRECT_TO_URL', ...none, redirectUrl, redirectHttpCode };
  if (redirectPrefix !== null) return { action: 'REDIRECT_PREFIX', ...none, redirectPrefix, redirectHttpCode };
  return { action: 'REJECT', ...none, redirectHttpCode: code };
}

/**
 * A listener's policies with one put where it asks to be: from 1, without gaps; behind the last when it asks for more.
 * @returns all of them, those whose position changed being new objects.
 */
export function arrangePolicies<Policy extends L7Policy>(policies: readonly Policy[], placed: Policy | null): Policy[] {
  const others = policies.filter(({ id }) => id !== placed?.id).sort((a, b) => a.position - b.position);
  if (placed) place(others, placed);
  return numbered(others);
}

/** The policies of a new listener: each is put where it asks to be among those that stand before it in the request. */
export function inOrderOfWishes<Policy extends L7Policy>(policies: readonly Policy[]): Policy[] {
  const arranged: Policy[] = [];
  for (const policy of policies) place(arranged, policy);
  return numbered(arranged);
}

function place<Policy extends L7Policy>(arranged: Policy[], policy: Policy): void {
  arranged.splice(Math.min(policy.position - 1, arranged.length), 0, policy);
}

const numbered = <Policy extends L7Policy>(policies: readonly Policy[]): Policy[] =>
  policies.map((policy, index) => (policy.position === index + 1 ? policy : { ...policy, position: index + 1 }));
