import { openingAt } from '../../../src/core/releases/maintenance-window.ts';
import { formerTagged } from '../../../src/core/releases/move-tag.ts';
import type { Decision, Step, Window } from '../../../src/core/releases/window.ts';
import { endedPhases, type TargetState } from '../../../src/model/release.ts';
import type { TargetNow } from '../../../src/model/release-view.ts';
import type { ReleaseWorld } from './world.ts';

/** Where a target may go from each state. */
const graph: Readonly<Record<TargetState, readonly TargetState[]>> = {
  pending: ['pending', 'moving', 'skipped'],
  moving: ['watching', 'pending', 'failed', 'skipped'],
  watching: ['watching', 'moving', 'moved', 'failed', 'pending', 'reverting', 'reverted', 'stuck', 'skipped'],
  moved: ['moved', 'reverting', 'reverted', 'stuck', 'skipped'],
  failed: ['failed', 'reverting', 'reverted', 'stuck', 'skipped'],
  reverting: ['failed', 'reverted', 'stuck', 'skipped'],
  skipped: [],
  reverted: [],
  stuck: [],
};

class InvariantError extends Error {}

/** @throws InvariantError that begins with the number of the invariant (the design's list). */
function claim(n: number, isTrue: boolean, what: string): asserts isTrue {
  if (!isTrue) throw new InvariantError(`invariant ${n}: ${what}`);
}

/** Watches a release in a world, decision by decision. */
export class Invariants {
  private readonly world: ReleaseWorld;
  /** When all of a wave were judged. */
  private readonly judgedMs = new Map<number, number>();
  private readonly states = new Map<string, TargetState>();

  constructor(world: ReleaseWorld) {
    this.world = world;
    for (const [id, { state }] of world.targets) this.states.set(id, state);
    // Of waves that were over before it began to watch, it can't tell.
    for (let wave = 0; wave < world.progress.wave; wave++) this.judgedMs.set(wave, Number.NEGATIVE_INFINITY);
    const { wave, bakedSinceMs } = world.progress;
    if (bakedSinceMs !== null) this.judgedMs.set(wave, bakedSinceMs);
  }

  /** Before a decision is carried out. */
  decided(window: Window, decision: Decision): void {
    const { world } = this;
    // The clock was set back: from now on time is counted from there.
    for (const [wave, ms] of this.judgedMs) if (ms > world.nowMs) this.judgedMs.set(wave, world.nowMs);
    const all = new Map([...window.busy, ...window.next].map((one) => [one.target.loadBalancerId, one]));
    for (const step of decision.steps) {
      if (step.kind === 'move') this.moves(window, decision, step, all.get(step.loadBalancerId));
      if (step.kind === 'reverted') {
        const { target, loadBalancer } = all.get(step.loadBalancerId) as TargetNow;
        const isBack = loadBalancer?.amphorae.every(({ imageId }) => imageId === target.fromImageId) ?? false;
        claim(15, isBack, `${step.loadBalancerId} does not run ${target.fromImageId}`);
      }
      if (step.kind === 'revert') {
        const { target } = all.get(step.loadBalancerId) as TargetNow;
        claim(15, step.imageId === target.fromImageId, `${step.loadBalancerId} is taken back to ${step.imageId}`);
        this.keepsServing(all.get(step.loadBalancerId) as TargetNow, step.amphoraId);
      }
    }
    const { progress, steps, wakeAtMs } = decision;
    const hasEnded = endedPhases.includes(progress.phase);
    claim(
      12,
      hasEnded || steps.length > 0 || progress.holds.length > 0 || wakeAtMs !== null,
      'nothing to do, and no time to look',
    );
    claim(12, wakeAtMs === null || wakeAtMs > world.nowMs, 'it looks again in the past');
    const { canaryMaxFailures, maxFailures } = world.spec.policy;
    const limit = progress.phase === 'rolling' ? (maxFailures ?? 10) : canaryMaxFailures;
    const isOver = progress.failures > progress.accepted.failures + limit;
    const isStopped =
      ['rolling-back', ...endedPhases].includes(progress.phase) ||
      progress.holds.some(({ code }) => code === 'FAILURES');
    claim(9, !isOver || isStopped, `${progress.failures} failed, and it goes on`);
  }

  /** After a step outside the database. */
  acted(step: Step): void {
    if (step.kind === 'tagRemove') claim(4, this.world.tagged.size > 0, 'the tag is on no image');
  }

  /** After a decision was carried out. */
  carriedOut(): void {
    const { world } = this;
    const { maxParallel } = world.spec.policy;
    claim(1, world.unended.size <= maxParallel, `${world.unended.size} operations at once`);
    const { counts, wave } = world.window();
    claim(1, counts.moving + counts.watching <= 4 * maxParallel, `${counts.moving + counts.watching} unproven`);
    const subjects = [...world.unended].map((id) => world.operation(id).loadBalancerId);
    claim(2, new Set(subjects).size === subjects.length, 'two operations on one load balancer');
    for (const [id, { state }] of world.targets) {
      const former = this.states.get(id) ?? state;
      claim(8, state === former || graph[former].includes(state), `${id} went from ${former} to ${state}`);
      this.states.set(id, state);
    }
    if (wave.open === 0 && !this.judgedMs.has(world.progress.wave)) this.judgedMs.set(world.progress.wave, world.nowMs);
  }

  /** When the release has ended. */
  ended(): void {
    const { world } = this;
    const { phase } = world.progress;
    for (const [id, target] of world.targets) {
      const { state, reason } = target;
      claim(12, !['moving', 'watching', 'reverting'].includes(state), `${id} is ${state} for ever`);
      if (phase === 'completed') claim(12, state !== 'pending', `${id} was forgotten`);
      if (phase !== 'rolled-back') continue;
      claim(15, ['pending', 'skipped', 'reverted', 'stuck'].includes(state), `${id} is ${state}`);
      claim(15, state !== 'stuck' || reason !== '', `${id} is stuck without a reason`);
    }
    this.nobodyIsLeftOut();
    if (phase === 'rolled-back') this.nobodyElseGetsIt();
  }

  /** What was taken back has the tag no longer, unless nothing else can have it, or an operator has left it there. */
  private nobodyElseGetsIt(): void {
    const { spec, progress } = this.world;
    const canBeMoved = formerTagged({ window: this.world.window(), spec }).length > 0;
    if (progress.accepted.taggedImageIds !== null || !canBeMoved) return;
    const { taggedImageIds } = this.world.window();
    const isLeft = taggedImageIds?.includes(spec.image.id) ?? false;
    claim(18, !isLeft, 'the tag is on the image that was taken back');
    claim(18, taggedImageIds === null || taggedImageIds.length > 0, 'the tag is on no image that can be booted');
  }

  /** Those that were made while it ran, on the old image before the tag moved, on the new one after that. */
  private nobodyIsLeftOut(): void {
    const { world } = this;
    const { phase, taggedSinceMs } = world.progress;
    const newImageId = world.spec.image.id;
    // Where no other image had the tag, there is none that they could go back to.
    const hasFormer = world.spec.baseline.taggedImageIds.some((id) => id !== newImageId);
    for (const [id, { createdAtMs, amphorae, provisioningStatus }] of world.loadBalancers) {
      if (createdAtMs === undefined || world.targets.has(id) || provisioningStatus === 'ERROR') continue;
      const isOnNew = amphorae.every(({ imageId }) => imageId === newImageId);
      if (phase === 'completed' && createdAtMs <= (taggedSinceMs ?? Number.POSITIVE_INFINITY))
        claim(17, isOnNew, `${id} was left on an old image`);
      if (phase === 'rolled-back' && hasFormer && !world.tagged.has(newImageId))
        claim(17, !isOnNew, `${id} was left on the image`);
    }
  }

  private moves(
    window: Window,
    decision: Decision,
    step: Extract<Step, { kind: 'move' }>,
    now: TargetNow | undefined,
  ): void {
    const { world } = this;
    const { spec } = world;
    claim(8, now !== undefined, `${step.loadBalancerId} was not in the window`);
    const { target } = now;
    claim(3, step.imageId === spec.image.id, `image ${step.imageId} is booted`);
    const { image } = window;
    const isPinned = image?.isThere === true && image.hash === spec.image.hash && image.status === 'active';
    claim(3, image === null || isPinned, 'the image is another than the one that was planned');
    const runsFormer = now.loadBalancer?.amphorae.every(({ imageId }) => imageId === target.fromImageId);
    claim(10, !runsFormer || target.fromHash !== spec.image.hash, `${step.loadBalancerId} has these bits already`);
    this.keepsServing(now, step.amphoraId);
    const moved = now.loadBalancer?.amphorae.find(({ id }) => id === step.amphoraId);
    if (target.state === 'watching') {
      claim(
        2,
        target.verdict === 'pass' || target.verdict === 'no data',
        'the second half moves before the first is judged',
      );
      return;
    }
    claim(2, moved === undefined || moved.role === 'BACKUP', 'the MASTER moves first');
    claim(6, window.repairs.queued === 0, 'a repair waits');
    claim(
      7,
      decision.progress.holds.length === 0,
      `it moves under ${decision.progress.holds.map(({ code }) => code).join()}`,
    );
    claim(7, window.intent.want === 'run', `it moves, and the operator wants ${window.intent.want}`);
    claim(7, openingAt(spec.policy.windows, world.nowMs, 0).isOpen, 'it moves outside of the windows');
    const proved = spec.probes.every(({ flavorId, zone }) =>
      window.probes.some(
        ({ place, state }) => place.flavorId === flavorId && place.zone === zone && state === 'passed',
      ),
    );
    claim(5, proved, 'it moves before the probe has passed');
    for (let wave = 0; wave < target.wave; wave++) this.wasBaked(wave);
  }

  /** Of a pair the other one serves, unless the one that is replaced does not serve itself. */
  private keepsServing({ target, loadBalancer }: TargetNow, amphoraId: string | null): void {
    claim(2, (amphoraId === null) === (target.topology === 'SINGLE'), 'a pair is replaced as a whole');
    if (amphoraId === null) return;
    const amphorae = loadBalancer?.amphorae ?? [];
    const isServing = amphorae.find(({ id }) => id === amphoraId)?.isServing;
    claim(2, isServing !== undefined, `${amphoraId} is not an amphora of ${target.loadBalancerId}`);
    claim(2, !isServing || amphorae.some((one) => one.id !== amphoraId && one.isServing), 'nobody would serve');
  }

  private wasBaked(wave: number): void {
    const { world } = this;
    const members = [...world.targets.values()].filter((one) => one.wave === wave);
    claim(
      5,
      members.every(({ state }) => !['pending', 'moving', 'watching'].includes(state)),
      `wave ${wave} is not judged`,
    );
    if (members.every(({ verdict }) => verdict === null)) return;
    const { canaryBakeSeconds, waveBakeSeconds } = world.spec.policy;
    const bakeMs = 1000 * (wave === 0 ? canaryBakeSeconds : waveBakeSeconds);
    claim(5, world.nowMs - (this.judgedMs.get(wave) ?? world.nowMs) >= bakeMs, `wave ${wave} is not baked`);
  }
}
