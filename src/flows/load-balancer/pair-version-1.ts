import type { JsonObject } from '../../model/operation.ts';
import type { Flow, Place, PlacedStep, Step } from '../engine/flow.ts';
import type { LoadBalancerDeps } from './deps.ts';

type PairFlow = Flow<LoadBalancerDeps>;
type AnyStep = Step<LoadBalancerDeps, JsonObject, JsonObject>;

/**
 * A pair's flow as Kiln 0.1 had it, whose journals go on in it: each step for MASTER and then for BACKUP, in turns. Its outputs
 * name the role that they are about: `{ MASTER: { ... } }`.
 */
export function versionOneOf(flow: PairFlow): PairFlow {
  const steps = flow.places.flatMap((place) => inTurns(flow, place));
  const [first] = steps;
  if (first) steps[0] = { ...first, name: 'mark-error-on-revert' };
  return { ...flow, steps, places: [...steps.keys()] };
}

function inTurns({ steps }: PairFlow, place: Place): PlacedStep<LoadBalancerDeps>[] {
  const at = (index: Place | undefined) => (typeof index === 'number' ? steps[index] : undefined);
  const alone = at(place);
  if (alone || typeof place === 'number') return alone ? [alone] : [];
  const longest = Math.max(...place.map(({ places }) => places.length));
  return Array.from({ length: longest }).flatMap((_none, index) =>
    place.flatMap(({ name, places }) => {
      const step = at(places[index]);
      return step ? [forRole(name, step)] : [];
    }),
  );
}

/** A role of which nothing is known is not built: its steps do nothing. */
function forRole(role: string, step: PlacedStep<LoadBalancerDeps>): AnyStep {
  const partOf = (state: JsonObject) => state[role] as JsonObject | undefined;
  const { name, undo, leaves } = step;
  return {
    name,
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
