import { policyForbids } from '../../core/lbaas/api-errors.ts';
import type { Caller } from '../../ports/token-validator.ts';
import type { Action } from '../policy/defaults.ts';
import type { Policy } from '../policy/policy.ts';

/** @throws KilnError REQUEST_FORBIDDEN. */
export function authorize(policy: Policy, action: Action, caller: Caller, projectId: string | null): void {
  if (!policy.allows(action, caller, projectId)) throw policyForbids();
}

/**
 * Whose things a list shows: null for everybody's. Who may see everybody's gets those of the project asked for, or all;
 * everybody else those of the project asked for, if they may, or of their own.
 */
export function listScope(
  policy: Policy,
  kind: 'loadbalancer' | 'listener' | 'pool' | 'healthmonitor' | 'l7policy' | 'quota',
  caller: Caller,
  asked: string | null,
): string | null {
  if (policy.allows(`${kind}:get_all-global`, caller, asked)) return asked;
  const projectId = asked ?? caller.projectId;
  if (projectId === null) throw policyForbids();
  authorize(policy, `${kind}:get_all`, caller, projectId);
  return projectId;
}
