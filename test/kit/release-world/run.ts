import { applyStep, joinedTargets, type TargetStep } from '../../../src/core/releases/apply-step.ts';
import type { InferNextSteps, Step, Window } from '../../../src/core/releases/window.ts';
import { endedPhases, type Target } from '../../../src/model/release.ts';
import { Invariants } from './invariants.ts';
import type { ReleaseWorld } from './world.ts';

/** Something that happens to the world before the decision with this number. */
export interface Happening {
  at: number;
  /** Changes the world. What it returns is how much of the next decision is carried out before the controller dies: null: all. */
  do(world: ReleaseWorld): 'nothing' | 'database' | 'half' | undefined;
}

export interface RunOptions {
  infer: InferNextSteps;
  happenings?: readonly Happening[];
  /** When it is given up: then the release does not end. */
  mostDecisions?: number;
  /** The operator who clears what has to be cleared, once everything has happened. */
  isAttended?: boolean;
}

/**
 * Runs a release in a world to its end, and checks the invariants with every decision.
 * @throws an error that names the invariant, or that the release does not end.
 */
export function runRelease(world: ReleaseWorld, options: RunOptions): { decisions: number } {
  const { infer, happenings = [], mostDecisions = 20_000, isAttended = true } = options;
  const first = new Map([...world.targets].map(([id, target]) => [id, target]));
  const invariants = new Invariants(world);
  const lastHappening = Math.max(-1, ...happenings.map(({ at }) => at));
  let idle = 0;
  for (let decisions = 0; decisions < mostDecisions; decisions++) {
    let dies: 'nothing' | 'database' | 'half' | undefined;
    for (const happening of happenings) if (happening.at === decisions) dies = happening.do(world) ?? dies;
    if (decisions > lastHappening && isAttended) attend(world, decisions - lastHappening);
    // A planner that changes its window, or remembers something, does so every time.
    const isLookedAt = decisions % 8 === 7;
    const window = isLookedAt ? freeze(world.window()) : world.window();
    const decision = infer(window, world.spec, world.nowMs);
    if (isLookedAt && JSON.stringify(decision) !== JSON.stringify(infer(window, world.spec, world.nowMs))) {
      throw new Error('invariant 11: the same window gives two decisions');
    }
    invariants.decided(window, decision);
    if (dies !== 'nothing') {
      world.commit(decision);
      invariants.carriedOut();
      const acted = dies === 'database' ? [] : dies === 'half' ? decision.steps.slice(0, 1) : decision.steps;
      for (const step of acted) {
        world.act(step);
        invariants.acted(step);
      }
      checkRepetition(world, infer, decision.steps);
    }
    if (endedPhases.includes(world.progress.phase)) {
      invariants.ended();
      checkReplay(world, first);
      return { decisions };
    }
    const nextMs = Math.min(
      decision.wakeAtMs ?? Number.POSITIVE_INFINITY,
      world.nextEndMs() ?? Number.POSITIVE_INFINITY,
    );
    idle = decision.steps.length === 0 && world.nextEndMs() === null ? idle + 1 : 0;
    // Where nothing happens for long, the controller is late: it may be at any time.
    const lateMs = idle > 5 ? 600_000 : 0;
    world.advanceTo((Number.isFinite(nextMs) ? Math.max(nextMs, world.nowMs + 1) : world.nowMs + 60_000) + lateMs);
  }
  const { phase, wave, holds } = world.progress;
  throw new Error(`invariant 12: it does not end: ${phase}, wave ${wave}, ${holds.map(({ code }) => code).join()}`);
}

/** Deciding again at the same instant begins nothing that has just begun. */
function checkRepetition(world: ReleaseWorld, infer: InferNextSteps, done: readonly { kind: string }[]): void {
  const begun = new Set(done.flatMap((step) => (isBegin(step) ? [step.loadBalancerId] : [])));
  if (begun.size === 0) return;
  for (const step of infer(world.window(), world.spec, world.nowMs).steps) {
    if (!isBegin(step) || !begun.has(step.loadBalancerId)) continue;
    // Where its load balancer was just being changed, nothing has begun.
    const { state } = world.target(step.loadBalancerId);
    if (state === 'moving' || state === 'reverting')
      throw new Error(`invariant 11: ${step.loadBalancerId} is begun twice`);
  }
}

function isBegin(step: { kind: string }): step is TargetStep {
  return step.kind === 'move' || step.kind === 'revert';
}

/** The events, as they are kept, give the state. */
function checkReplay(world: ReleaseWorld, first: ReadonlyMap<string, Target>): void {
  const targets = new Map(first);
  for (const line of world.history) {
    const { step, operationId, nowMs } = JSON.parse(line) as {
      step: TargetStep | Extract<Step, { kind: 'join' }>;
      operationId: string | null;
      nowMs: number;
    };
    if (step.kind === 'join') {
      for (const one of joinedTargets(world.spec.id, step, nowMs)) targets.set(one.loadBalancerId, one);
      continue;
    }
    targets.set(step.loadBalancerId, applyStep(targets.get(step.loadBalancerId) as Target, step, nowMs, operationId));
  }
  for (const [id, target] of world.targets) {
    if (JSON.stringify(targets.get(id)) !== JSON.stringify(target))
      throw new Error(`invariant 14: the events of ${id} give another state`);
  }
}

/** The trouble is over, and an operator looks: goes on, then back, then leaves it. */
function attend(world: ReleaseWorld, decisions: number): void {
  if (decisions === 1) {
    world.isGlanceUp = true;
    world.repairs = { running: 0, queued: 0 };
    world.unwell = 0;
    world.othersBusy = 0;
    world.workerSlots = 10;
    for (const one of world.loadBalancers.values()) {
      one.amphorae = one.amphorae.map((amphora) => ({ ...amphora, isServing: true }));
    }
    if (world.intent.want === 'pause') world.say('run', 'it is over');
  }
  for (const id of world.unended) {
    const { fate } = world.operation(id);
    if (fate === 'never' && decisions % 500 === 0) world.end(id, 'aborted');
  }
  const waits = world.progress.holds.some(({ clears }) => clears === 'operator');
  if (!waits || decisions % 10 !== 0) return;
  const wish = decisions < 200 ? 'run' : decisions < 2000 ? 'rollback' : 'abort';
  world.say(world.progress.phase === 'rolling-back' && wish === 'rollback' ? 'run' : wish, 'the operator looked');
}

/** A planner that changes its window is found at once. */
function freeze(window: Window): Window {
  const seen = (value: unknown): void => {
    if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return;
    Object.freeze(value);
    for (const one of Object.values(value)) seen(one);
  };
  const copy = structuredClone(window);
  seen(copy);
  return copy;
}
