import type { JsonObject, Leftover, OperationReason } from '../../model/operation.ts';
import type { Settlement } from '../../ports/load-balancer-store.ts';

/** The context that a step runs in. */
export interface StepRun {
  /** Of the operation: stable over restarts, so that names made from it find again what a killed process made. */
  operationId: string;
  /** With which the worker has the operation: what it writes into the store carries it. */
  fence: number;
  /** Of the operation: a failover's is larger than a creation's. */
  priority: number;
  /** This step was started before, by somebody who did not come to its end: what it asked for may yet come to be. */
  resumed: boolean;
  /** This step may have done a part: `resumed`, or a try before this one failed; when undoing, always. */
  again: boolean;
  /** Why the flow goes back; null while it goes forward. */
  reason: OperationReason | null;
  /** A step could not be finished and was given up: something may be left behind. */
  gaveUp: boolean;
  /** Aborted when the worker is to stop. The step may end as it likes; what waits for others' steps has to give up. */
  stop: AbortSignal;
  /** Progress for people; nothing depends on it. */
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
  /** Absent where there is nothing to take back. */
  undo?(deps: Deps, state: Needs & Partial<Gives>, run: StepRun): Promise<void>;
  /**
   * What may be in the cloud of this step when its undoing, or the step itself behind the point of no return, is given up.
   */
  leaves?(records: RecordsOf<Deps>, state: Needs & Partial<Gives>): Promise<readonly Leftover[]>;
  /** Of a flow's last step: what the operation leaves in the rows. Written with its end; null where there are none. */
  settle?(records: RecordsOf<Deps>, state: Needs, run: EndingRun): Promise<Settlement | null>;
  /** Of a flow's first step: what the operation leaves in the rows when it was undone or given up. */
  settleUndone?(records: RecordsOf<Deps>, state: Needs, run: EndingRun): Promise<Settlement | null>;
}

/** A flow's steps in order, with the types forgotten: they were checked when it was built. */
export interface Flow<Deps> {
  readonly name: string;
  readonly steps: readonly Step<Deps, JsonObject, JsonObject>[];
  /**
   * The steps from this index on can't be turned around: they are owed, and whoever has the operation next goes on with
   * them. As many as there are steps, where all can be undone.
   */
  readonly pointOfNoReturn: number;
}

/** A flow as it is being written down: each step may need what the input and the steps before it give. */
export interface FlowBuilder<Deps, State extends JsonObject> {
  step<Needs extends JsonObject, Gives extends JsonObject>(
    step: State extends Needs ? Step<Deps, Needs, Gives> : never,
  ): FlowBuilder<Deps, State & Gives>;
  /** From here on there is no way back: a step that fails is tried again until it succeeds or is given up. */
  commit(): FlowBuilder<Deps, State>;
  build(): Flow<Deps>;
}

/** Begins a flow. Two steps of one name, or a settlement anywhere but at its ends, are a fault in Kiln and throw at once. */
export function defineFlow<Deps, Input extends JsonObject>(name: string): FlowBuilder<Deps, Input> {
  const steps: Step<Deps, JsonObject, JsonObject>[] = [];
  let pointOfNoReturn: number | null = null;
  const builder: FlowBuilder<Deps, Input> = {
    step(step) {
      const untyped = step as unknown as Step<Deps, JsonObject, JsonObject>;
      if (steps.some((other) => other.name === untyped.name))
        throw new Error(`flow ${name} has two steps ${untyped.name}`);
      steps.push(untyped);
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
      return { name, steps, pointOfNoReturn: pointOfNoReturn ?? steps.length };
    },
  };
  return builder;
}
