import type { JsonObject, Leftover, OperationReason } from '../../model/operation.ts';
import type { AmphoraSettlement, AmphoraWrite } from '../../ports/amphora-store.ts';
import type { Settlement } from '../../ports/load-balancer-store.ts';

/** The context that a step runs in. */
export interface StepRun {
  /** Of the operation: stable over restarts, so that names made from it find again what a killed process made. */
  operationId: string;
  /** With which the worker has the operation: what it writes into the store carries it. */
  fence: number;
  /** This step was started before, by somebody who did not come to its end: what it asked for may yet come to be. */
  resumed: boolean;
  /** This step may have done a part: `resumed`, or a try before this one failed; when undoing, always. */
  again: boolean;
  /** Why the flow goes back; null while it goes forward. */
  reason: OperationReason | null;
  /** A step could not be finished and was given up: something may be left behind. Steps of other branches don't count. */
  gaveUp: boolean;
  /** `reason` is this very step's failure, and not that of a later one or of another branch. */
  isOwnFailure: boolean;
  /** Aborted when the worker is to stop. The step may end as it likes; what waits for others' steps has to give up. */
  stop: AbortSignal;
  /**
   * Aborted when another branch has failed, or the flow was asked to go back: a step that only waits ends at once, for what it
   * waits for is undone.
   */
  cancelled: AbortSignal;
  /**
   * A change of an amphora's row that goes on record together with this step's end, in one transaction: for what became known by the
   * step. Whatever must be on record before something is done in the cloud is written at once, through the store.
   */
  amend(write: AmphoraWrite): void;
  /** What is known so far goes on record: before a wait, so that whoever looks on sees what is waited for. */
  beforeWaiting(): Promise<void>;
  /** Word for people of what is out of the ordinary: into the log, and into the journal. Nothing depends on it. */
  note(message: string): void;
}

/** Of what a flow acts through, what is Kiln's own: no service of the cloud is asked by it. */
export type RecordsOf<Deps> = Pick<Deps, Extract<keyof Deps, 'loadBalancers' | 'amphorae'>>;

/** Of a run, what the end of an operation depends on. */
export type EndingRun = Pick<StepRun, 'reason' | 'gaveUp'>;

/**
 * One step of a flow: how it is done and how it is undone, together. A worker may be killed at any instruction, so
 * - `do` may run again after it has done all or part of its work: it finds what is there before it makes anything;
 * - `undo` may run whether `do` did all, part or nothing, and may run again. It gets `do`'s output only if there was one.
 * Outputs are plain data: they go through the journal.
 */
export interface Step<Deps, Needs extends JsonObject, Gives extends JsonObject> {
  /** Octavia's verb, such as `create-vip-port`; unique within a flow, and never renamed: journals remember it. */
  name: string;
  do(deps: Deps, state: Needs, run: StepRun): Promise<Gives>;
  /**
   * Neither its start nor the end of the step before it need be on record when it begins: they are written with what comes next. For
   * steps that can be done again from the start as if nothing had been done, and of which nothing is left that `undo`
   * would have to take back: docs/decisions/0054-what-goes-on-record-together.md.
   */
  isRepeatable?: true;
  /** Absent where there is nothing to take back. */
  undo?(deps: Deps, state: Needs & Partial<Gives>, run: StepRun): Promise<void>;
  /**
   * What may be in the cloud of this step when its undoing, or the step itself behind the point of no return, is given up.
   */
  leaves?(records: RecordsOf<Deps>, state: Needs & Partial<Gives>): Promise<readonly Leftover[]>;
  /** Of a flow's last step: what the operation leaves in the rows. Written with its end; null where there are none. */
  settle?(records: RecordsOf<Deps>, state: Needs, run: EndingRun): Promise<Settlement | AmphoraSettlement | null>;
  /** Of a flow's first step: what the operation leaves in the rows when it was undone or given up. */
  settleUndone?(records: RecordsOf<Deps>, state: Needs, run: EndingRun): Promise<Settlement | AmphoraSettlement | null>;
}

/** A step as it stands in a flow, with the types forgotten: they were checked when the flow was built. */
export interface PlacedStep<Deps> extends Step<Deps, JsonObject, JsonObject> {
  /** Names of the sub-flows that it is in, from the outermost: where in the state its outputs are. */
  scope?: readonly string[];
}

/** Where a step stands: by its index in `steps`, alone, or within one of several branches. */
export type Place = number | readonly Branch[];

export interface Branch {
  name: string;
  places: readonly Place[];
  /** Asked when the branch would begin; absent: always. It must say the same after a restart. */
  isWanted: ((state: JsonObject) => boolean) | null;
}

/**
 * The steps of a flow. `Input` and `Gives` are for the compiler: what it needs, and what is known when it has ended.
 */
export interface Flow<
  Deps,
  Input extends JsonObject = JsonObject,
  Gives extends JsonObject = JsonObject,
  Name extends string = string,
> {
  readonly name: Name;
  /** Of its steps: raised when a flow of this name gets others. A journal goes on under the version that began it. */
  readonly version: number;
  /** Versions whose journals may still be under way. */
  readonly older: readonly Flow<Deps>[];
  /** All of them, those of sub-flows by names such as `MASTER/create-server`. */
  readonly steps: readonly PlacedStep<Deps>[];
  /** In which order they are done. Undone in the opposite one; branches at the same time in both. */
  readonly places: readonly Place[];
  /**
   * The steps from this index on can't be turned around: they are owed, and whoever has the operation next goes on with
   * them. As many as there are steps, where all can be undone.
   */
  readonly pointOfNoReturn: number;
  readonly types?: { input: Input; gives: Gives };
}

type GivesOf<Sub> = Sub extends Flow<never, JsonObject, infer Gives> ? Gives : never;
type Within<State, Name extends string> = State & (Name extends keyof State ? NonNullable<State[Name]> : unknown);
type Fitting<Deps, State, Name extends string, Sub> =
  Sub extends Flow<Deps, infer Input, JsonObject> ? (Within<State, Name> extends Input ? Sub : never) : never;

/** A flow as it is being written down: each step may need what the input and the steps before it give. */
export interface FlowBuilder<
  Deps,
  Input extends JsonObject,
  State extends JsonObject = Input,
  Name extends string = string,
> {
  step<Needs extends JsonObject, Gives extends JsonObject>(
    step: State extends Needs ? Step<Deps, Needs, Gives> : never,
  ): FlowBuilder<Deps, Input, State & Gives, Name>;
  /** The steps of a sub-flow, as if they stood here: names and state are the flow's own. Once in a flow. */
  use<Needs extends JsonObject, Gives extends JsonObject>(
    flow: State extends Needs ? Flow<Deps, Needs, Gives> : never,
  ): FlowBuilder<Deps, Input, State & Gives, Name>;
  /**
   * A sub-flow with a name of its own: its steps are journalled as `NAME/step`. It sees the state with what is in
   * `state[NAME]` laid over it, and what it gives goes there.
   */
  include<Under extends string, Sub>(
    name: Under,
    flow: Sub & Fitting<Deps, State, Under, Sub>,
  ): FlowBuilder<Deps, Input, State & Record<Under, GivesOf<Sub>>, Name>;
  /**
   * Sub-flows as of `include`, at the same time; the next step begins when all have ended. When one fails the others come
   * to the end of their running steps (see `StepRun.cancelled`), and then all are undone, at the same time too.
   * @param isWanted whether a branch is there at all, by what is known before it begins; its name may be missing then.
   */
  parallel<Subs extends Record<string, unknown>>(
    branches: Subs & { [Under in keyof Subs & string]: Fitting<Deps, State, Under, Subs[Under]> },
    isWanted?: (state: State, name: keyof Subs & string) => boolean,
  ): FlowBuilder<Deps, Input, State & { [Under in keyof Subs & string]: GivesOf<Subs[Under]> }, Name>;
  /** From here on there is no way back: a step that fails is tried again until it succeeds or is given up. */
  commit(): FlowBuilder<Deps, Input, State, Name>;
  build(): Flow<Deps, Input, State, Name>;
}

/**
 * Begins a flow. Two steps of one name, or a settlement anywhere but at its ends, are a fault in Kiln and throw at once.
 * Versions begin with steps of different names: so a Kiln that knows only the older one leaves the journal alone.
 */
export function defineFlow<Name extends string>(name: Name) {
  return {
    /** What the steps act through, and what is known when the flow begins. */
    takes: <Deps, Input extends JsonObject>(versions?: { version: number; older: readonly Flow<Deps>[] }) =>
      buildFlow<Deps, Input, Name>(name, versions),
  };
}

function buildFlow<Deps, Input extends JsonObject, Name extends string>(
  name: Name,
  { version, older }: { version: number; older: readonly Flow<Deps>[] } = { version: 1, older: [] },
): FlowBuilder<Deps, Input, Input, Name> {
  const steps: PlacedStep<Deps>[] = [];
  const places: Place[] = [];
  let pointOfNoReturn: number | null = null;

  function add(added: readonly PlacedStep<Deps>[]): number {
    const base = steps.length;
    for (const step of added) {
      if (steps.some((other) => other.name === step.name)) throw new Error(`flow ${name} has two steps ${step.name}`);
      steps.push(step);
    }
    return base;
  }
  /** @param under null: the sub-flow's steps are the flow's own. */
  function place(flow: Flow<Deps>, under: string | null): Place[] {
    if (flow.pointOfNoReturn < flow.steps.length) throw new Error(`flow ${name}: ${flow.name} commits within it`);
    const base = add(under === null ? flow.steps : flow.steps.map((step) => within(under, step)));
    return flow.places.map((one) => moved(one, base));
  }

  const builder: FlowBuilder<Deps, Input, Input, Name> = {
    step(step) {
      places.push(add([step as unknown as PlacedStep<Deps>]));
      return builder as never;
    },
    use(flow) {
      places.push(...place(flow as unknown as Flow<Deps>, null));
      return builder as never;
    },
    include(under, flow) {
      places.push(...place(flow as unknown as Flow<Deps>, under));
      return builder as never;
    },
    parallel(branches, isWanted) {
      places.push(
        Object.entries(branches).map(
          ([under, flow]): Branch => ({
            name: under,
            places: place(flow as unknown as Flow<Deps>, under),
            isWanted: isWanted ? (state) => isWanted(state as never, under as never) : null,
          }),
        ),
      );
      return builder as never;
    },
    commit() {
      pointOfNoReturn = steps.length;
      return builder as never;
    },
    build() {
      const misplaced = steps.find(
        (step, index) => (step.settle && index < steps.length - 1) || (step.settleUndone && index > 0),
      );
      if (misplaced) throw new Error(`flow ${name}: ${misplaced.name} settles where the operation does not end`);
      const begins = older.find((one) => one.steps[0]?.name === steps[0]?.name);
      if (begins) throw new Error(`flow ${name}: versions ${version} and ${begins.version} begin with the same step`);
      const flow: Flow<Deps> = {
        name,
        version,
        older,
        steps,
        places,
        pointOfNoReturn: pointOfNoReturn ?? steps.length,
      };
      return flow as never;
    },
  };
  return builder;
}

const within = <Deps>(name: string, step: PlacedStep<Deps>): PlacedStep<Deps> => ({
  ...step,
  name: `${name}/${step.name}`,
  scope: [name, ...(step.scope ?? [])],
});

function moved(place: Place, by: number): Place {
  if (typeof place === 'number') return place + by;
  return place.map((branch) => ({ ...branch, places: branch.places.map((one) => moved(one, by)) }));
}
