import type { Amphora, AmphoraRole } from '../../model/amphora.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { Flow, Step } from '../engine/flow.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { BuiltAmphora, TargetsOf } from './targets.ts';

/** In this order they are built. */
export const pairRoles = ['MASTER', 'BACKUP'] as const;
export type PairRole = (typeof pairRoles)[number];

/** What is known of the amphorae that a flow builds, by role; a role that is not there is not built. */
export type PairState<Part extends JsonObject> = { [Role in PairRole]?: Part };

type AnyStep = Step<LoadBalancerDeps, JsonObject, JsonObject>;

export const isOfPair = ({ role }: { role: AmphoraRole | null }): boolean => role === 'MASTER' || role === 'BACKUP';

/**
 * The steps of building one amphora, for both of a pair, side by side: each step for one and then for the other, so that
 * Nova builds both servers at once. Names and state are each role's own: `MASTER/create-server`. What is not built is
 * passed over.
 */
export function sideBySide(flow: Flow<LoadBalancerDeps>): AnyStep[] {
  return flow.steps.flatMap((step) => pairRoles.map((role) => inRole(role, step)));
}

export function inRole(role: PairRole, step: AnyStep): AnyStep {
  const partOf = (state: JsonObject) => state[role] as JsonObject | undefined;
  const { undo, leaves } = step;
  return {
    name: `${role}/${step.name}`,
    async do(deps, state, run) {
      const part = partOf(state);
      if (!part) return {};
      return { [role]: { ...part, ...(await step.do(deps, { ...state, ...part }, run)) } };
    },
    ...(undo && {
      async undo(deps: LoadBalancerDeps, state: JsonObject, run: Parameters<typeof undo>[2]) {
        const part = partOf(state);
        if (part) await undo(deps, { ...state, ...part }, run);
      },
    }),
    ...(leaves && {
      async leaves(records: Parameters<typeof leaves>[0], state: JsonObject) {
        const part = partOf(state);
        return part ? await leaves(records, { ...state, ...part }) : [];
      },
    }),
  };
}

/** Those that this very flow has built. */
export const builtOfPair: TargetsOf<PairState<BuiltAmphora>> = async (_deps, state) =>
  pairRoles.flatMap((role) => {
    const part = state[role];
    return part ? [{ id: part.amphoraId, address: part.address, serverId: part.serverId }] : [];
  });

/** Amphorae of a pair that are there, or being built, with an address of their own in the VIP's network. */
export async function pairOf(
  { amphorae }: Pick<LoadBalancerDeps, 'amphorae'>,
  loadBalancerId: string,
): Promise<(Amphora & { role: PairRole; vrrpIp: string })[]> {
  const all = await amphorae.list({ loadBalancerId });
  return all
    .filter((one): one is Amphora & { role: PairRole; vrrpIp: string } => isOfPair(one) && one.vrrpIp !== null)
    .filter(({ status }) => status === 'ALLOCATED' || status === 'BOOTING');
}
