import type { JsonObject, OperationReason } from '../../model/operation.ts';

/** What a step is told of its surroundings. */
export interface StepRun {
  /** Of the operation: stable over restarts, so that names made from it find again what a killed process made. */
  operationId: string;
  /** With which the worker has the operation: what it writes into the store carries it. */
  fence: number;
  /** Of the operation: a failover's is larger than a creation's. */
  priority: number;
  /** This step was started before, by somebody who did not come to its end: what it asked for may yet come to be. */
  resumed: boolean;
  /** Why the flow goes back; null while it goes forward. */
  reason: OperationReason | null;
  /** Aborted when the worker is to stop. The step may end as it likes; what waits for others' steps has to give up. */
  stop: AbortSignal;
  /** Progress for people; nothing depends on it. */
  note(message: string): void;
}

/**
 * One step of a flow: how it is done and how it is undone, together. A worker may be killed at any instruction, so
 * - `do` may run again after it has done all or part of its work: it finds what is there before it makes anything;
 * - `undo` may run whether `do` did all, part or nothing, and may run again. It gets `do`'s output only if there was one.
 * Outputs are plain data: they go through the journal.
 */
export interface Step<Parts, Needs extends JsonObject, Gives extends JsonObject> {
  /** Octavia's verb, such as `create-vip-port`; unique within a flow, and never renamed: journals remember it. */
  name: string;
  do(parts: Parts, state: Needs, run: StepRun): Promise<Gives>;
  /** Absent where there is nothing to take back. */
  undo?(parts: Parts, state: Needs & Partial<Gives>, run: StepRun): Promise<void>;
}

/** A flow's steps in order, with the types forgotten: they were checked when it was built. */
export interface Flow<Parts> {
  readonly name: string;
  readonly steps: readonly Step<Parts, JsonObject, JsonObject>[];
  /**
   * The steps from this index on can't be turned around: what they leave behind is owed, and whoever has the operation
   * next goes on with them. As many as there are steps, where all can be undone.
   */
  readonly pointOfNoReturn: number;
}

/** A flow as it is being written down: each step may need what the input and the steps before it give. */
export interface FlowBuilder<Parts, State extends JsonObject> {
  step<Needs extends JsonObject, Gives extends JsonObject>(
    step: State extends Needs ? Step<Parts, Needs, Gives> : never,
  ): FlowBuilder<Parts, State & Gives>;
  /** From here on there is no way back: a step that fails is tried again until it succeeds. */
  commit(): FlowBuilder<Parts, State>;
  build(): Flow<Parts>;
}

/** Begins a flow. Two steps of one name are a fault in Kiln and throw at once. */
export function defineFlow<Parts, Input extends JsonObject>(name: string): FlowBuilder<Parts, Input> {
  const steps: Step<Parts, JsonObject, JsonObject>[] = [];
  let pointOfNoReturn: number | null = null;
  const builder: FlowBuilder<Parts, Input> = {
    step(step) {
      const untyped = step as unknown as Step<Parts, JsonObject, JsonObject>;
      if (steps.some((other) => other.name === untyped.name))
        throw new Error(`flow ${name} has two steps ${untyped.name}`);
      steps.push(untyped);
      return builder as never;
    },
    commit() {
      pointOfNoReturn = steps.length;
      return builder as never;
    },
    build: () => ({ name, steps, pointOfNoReturn: pointOfNoReturn ?? steps.length }),
  };
  return builder;
}
