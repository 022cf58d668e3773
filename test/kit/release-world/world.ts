import { applyStep, initialProgress, joinedTargets } from '../../../src/core/releases/apply-step.ts';
import { lateQuestion } from '../../../src/core/releases/late.ts';
import type { Decision, ImageNow, Step, Window } from '../../../src/core/releases/window.ts';
import {
  type HealthSample,
  type Intent,
  type ReleaseProgress,
  type ReleaseSpec,
  type Target,
  type TargetState,
  targetStates,
} from '../../../src/model/release.ts';
import type { AmphoraNow, ProbeNow, TargetNow } from '../../../src/model/release-view.ts';
import { type SeededRandom, seededRandom } from '../seeded-random.ts';

/** How an operation of the world ends. */
export type MoveFate = 'done' | 'place' | 'cloud' | 'no-room' | 'secret' | 'aborted' | 'internal' | 'never';

/** What a load balancer looks like when it is watched. */
export type HealthFate = 'pass' | 'fail' | 'no data';

export interface WorldLoadBalancer {
  provisioningStatus: string;
  amphorae: AmphoraNow[];
  /** Of one that the release was not planned for. */
  createdAtMs?: number;
  /** Its health on the new image. */
  health: HealthFate;
  /** Of its moves, in order; when they are used up, `world.fate` decides. */
  fates: MoveFate[];
}

interface WorldOperation {
  loadBalancerId: string;
  amphoraId: string | null;
  imageId: string;
  endsAtMs: number;
  fate: MoveFate;
  status: 'unended' | 'done' | 'undone';
  error: { code: string; message: string } | null;
}

export interface WorldOptions {
  spec: ReleaseSpec;
  targets: readonly Target[];
  loadBalancers: ReadonlyMap<string, WorldLoadBalancer>;
  seed: number;
  startMs: number;
  /** How long a move takes; 30 to 90 s. */
  moveMs?: (random: SeededRandom) => number;
  fate?: (random: SeededRandom) => MoveFate;
}

const errors: Record<Exclude<MoveFate, 'done' | 'never'>, { code: string; message: string }> = {
  place: { code: 'BOOT_TIMEOUT', message: 'the server was not ACTIVE in time' },
  cloud: { code: 'SERVICE_UNREACHABLE', message: 'compute does not answer' },
  'no-room': { code: 'BOOT_FAILED', message: 'No valid host was found' },
  secret: { code: 'SECRET_NOT_FOUND', message: 'the secret is gone' },
  aborted: { code: 'OPERATION_ABORTED', message: 'aborted by alice' },
  internal: { code: 'INTERNAL', message: 'a fault' },
};

/** How a probe ends. */
type ProbeFate = 'passed' | 'image' | 'host' | 'cloud' | 'never';

/**
 * A cloud, a database and a controller's deeds, in memory and in a time of their own: what the planner decides is carried out, and faults are
 * made on request. The lists of `window()` are kept as they change, so that large fleets cost no more than small ones.
 */
export class ReleaseWorld {
  readonly spec: ReleaseSpec;
  readonly random: SeededRandom;
  nowMs: number;
  readonly startedMs: number;
  progress: ReleaseProgress = initialProgress;
  intent: Intent;
  readonly targets = new Map<string, Target>();
  readonly loadBalancers: Map<string, WorldLoadBalancer>;
  readonly operations = new Map<string, WorldOperation>();
  readonly unended = new Set<string>();
  probes: (ProbeNow & { endsAtMs: number; fate: ProbeFate })[] = [];
  tagged: Set<string>;
  image: Omit<ImageNow, 'hasTag'>;
  isGlanceUp = true;
  probeFate: ProbeFate = 'passed';
  repairs = { running: 0, queued: 0 };
  workerSlots = 10;
  othersBusy = 0;
  unwell = 0;
  unusableFormer: string[] = [];
  cohorts: Window['cohorts'] = null;
  /** Everything that was applied, as events are kept: through JSON. */
  readonly history: string[] = [];
  private readonly options: WorldOptions;
  private readonly counts = Object.fromEntries(targetStates.map((state) => [state, 0])) as Record<TargetState, number>;
  private readonly waves = new Map<number, Window['wave']>();
  private readonly busy = new Set<string>();
  /** In moved or failed: by whether something is wrong with them. */
  private readonly settled = new Set<string>();
  private readonly worse = new Set<string>();
  /** Of each wave, what is pending: in order, and those that wait. */
  private readonly pending = new Map<number, { due: Set<string>; waiting: Set<string> }>();
  private operationCount = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.spec = options.spec;
    this.random = seededRandom(options.seed);
    this.nowMs = options.startMs;
    this.startedMs = options.startMs;
    this.loadBalancers = new Map([...options.loadBalancers].map(([id, one]) => [id, structuredClone(one)]));
    this.tagged = new Set(options.spec.baseline.taggedImageIds);
    const { hash, ownerId } = options.spec.image;
    this.image = { isThere: true, status: 'active', isHidden: false, ownerId, hash };
    this.intent = { want: 'run', by: 'alice', atMs: options.startMs, reason: 'start', revision: 1 };
    for (const target of options.targets) this.put(target);
  }

  say(want: Intent['want'], reason: string): void {
    this.intent = { want, by: 'alice', atMs: this.nowMs, reason, revision: this.intent.revision + 1 };
  }

  window(): Window {
    const { phase, wave } = this.progress;
    const limit = 2 * this.spec.policy.maxParallel;
    const isBack = phase === 'rolling-back' && this.intent.want !== 'abort';
    const next: string[] = [];
    let nextDueMs: number | null = null;
    const offer = (id: string) => {
      const { notBeforeMs } = this.target(id);
      if (notBeforeMs <= this.nowMs) next.push(id);
      else nextDueMs = Math.min(nextDueMs ?? notBeforeMs, notBeforeMs);
      return next.length < limit;
    };
    for (const id of [...this.worse].sort((one, other) => this.target(other).badness - this.target(one).badness)) {
      if ((isBack || goesBack(this.target(id))) && !offer(id)) break;
    }
    if (isBack) {
      for (const id of this.settled) if (next.length >= limit || (!this.worse.has(id) && !offer(id))) break;
    } else {
      const pending = this.pending.get(wave);
      const waiting = [...(pending?.waiting ?? [])];
      for (const id of waiting) if (next.length >= limit || !offer(id)) break;
      for (const id of pending?.due ?? []) if (next.length >= limit || !offer(id)) break;
    }
    return {
      progress: this.progress,
      intent: this.intent,
      counts: { ...this.counts },
      wave: { ...this.waveOf(wave) },
      busy: [...this.busy].map((id) => this.now(id)),
      next: next.map((id) => this.now(id)),
      nextDueMs,
      unendedOperations: this.unended.size,
      repairs: { ...this.repairs },
      workerSlots: { total: this.workerSlots, busy: Math.min(this.workerSlots, this.othersBusy + this.unended.size) },
      taggedImageIds: this.isGlanceUp ? [...this.tagged].filter((id) => this.canBeBooted(id)) : null,
      tagRefusal: null,
      image: this.isGlanceUp ? { ...this.image, hasTag: this.tagged.has(this.spec.image.id) } : null,
      unusableFormerImageIds: this.isGlanceUp ? this.unusableFormer : null,
      fleet: { loadBalancers: this.loadBalancers.size, unwell: this.unwell },
      probes: this.probes.map(({ endsAtMs: _, fate: __, ...probe }) => probe),
      late: this.late(),
      cohorts: this.cohorts,
    };
  }

  /** Glance lists no image by its tag that is gone, not active or hidden; those that are no way back any more are such. */
  private canBeBooted(imageId: string): boolean {
    const { isThere, status, isHidden } = this.image;
    if (imageId === this.spec.image.id) return isThere && status === 'active' && !isHidden;
    return !this.unusableFormer.includes(imageId);
  }

  /** A tenant makes a load balancer, on what the tag gives now. */
  make(): void {
    const imageId = [...this.tagged].find((id) => this.canBeBooted(id));
    if (imageId === undefined) return;
    const id = `late-${this.loadBalancers.size}`;
    const amphorae = [{ id: `${id}-amphora`, role: 'STANDALONE' as const, imageId, isServing: true }];
    const { nowMs: createdAtMs } = this;
    this.loadBalancers.set(id, { provisioningStatus: 'ACTIVE', amphorae, health: 'pass', fates: [], createdAtMs });
  }

  /** What the database would answer to the question that the controller asks. */
  private late(): Window['late'] {
    const release = { spec: this.spec, progress: this.progress, intent: this.intent, createdAtMs: this.startedMs };
    const question = lateQuestion(release, { counts: this.counts, waves: Object.fromEntries(this.waves) }, this.nowMs);
    if (!question) return null;
    const { runs, createdAfterMs, createdBeforeMs } = question;
    return [...this.loadBalancers].flatMap(([loadBalancerId, { amphorae, createdAtMs = -1, provisioningStatus }]) => {
      const isOf = ({ imageId }: AmphoraNow) =>
        'one' in runs ? runs.one.includes(imageId) : !runs.otherThan.includes(imageId);
      const imageId = amphorae.find(isOf)?.imageId;
      const isThen = createdAtMs >= createdAfterMs && createdAtMs <= createdBeforeMs;
      if (imageId === undefined || !isThen || this.targets.has(loadBalancerId) || provisioningStatus === 'ERROR')
        return [];
      return [{ loadBalancerId, topology: 'SINGLE' as const, imageId }];
    });
  }

  /** The transaction: progress, targets, operations. What is outside the database is done by `act`. */
  commit(decision: Decision): void {
    this.progress = decision.progress;
    for (const step of decision.steps) {
      if (step.kind === 'join') {
        this.history.push(JSON.stringify({ step, operationId: null, nowMs: this.nowMs }));
        for (const target of joinedTargets(this.spec.id, step, this.nowMs)) this.put(target);
      }
      if (!('loadBalancerId' in step)) continue;
      const operationId = step.kind === 'move' || step.kind === 'revert' ? this.enqueue(step) : null;
      if (operationId === 'refused') continue;
      const target = applyStep(this.target(step.loadBalancerId), step, this.nowMs, operationId);
      this.history.push(JSON.stringify({ step, operationId, nowMs: this.nowMs }));
      this.put(target);
    }
  }

  /** What a controller does outside the database. It may have been done before. */
  act(step: Step): void {
    if (step.kind === 'tagAdd' && this.isGlanceUp) this.tagged.add(step.imageId);
    if (step.kind === 'tagRemove' && this.isGlanceUp) this.tagged.delete(step.imageId);
    if (step.kind !== 'probe') return;
    const { place, attempt, imageFaults } = step;
    const key = JSON.stringify(place);
    this.probes = this.probes.filter((one) => JSON.stringify(one.place) !== key);
    const endsAtMs = this.nowMs + 90_000;
    const common = { place, attempt, imageFaults, startedAtMs: this.nowMs, endedAtMs: null, error: null };
    this.probes.push({ ...common, state: 'running', endsAtMs, fate: this.probeFate });
  }

  /** When something ends by itself; null: nothing is under way. */
  nextEndMs(): number | null {
    const ends = [...this.unended].map((id) => this.operation(id)).filter(({ fate }) => fate !== 'never');
    const probes = this.probes.filter(({ state, fate }) => state === 'running' && fate !== 'never');
    const all = [...ends, ...probes].map(({ endsAtMs }) => endsAtMs);
    return all.length === 0 ? null : Math.min(...all);
  }

  /** Time goes on; what is due ends. */
  advanceTo(ms: number): void {
    this.nowMs = Math.max(this.nowMs, ms);
    for (const id of [...this.unended]) {
      const operation = this.operation(id);
      if (operation.fate !== 'never' && operation.endsAtMs <= this.nowMs) this.end(id);
    }
    for (const probe of this.probes) {
      if (probe.state !== 'running' || probe.fate === 'never' || probe.endsAtMs > this.nowMs) continue;
      probe.state = probe.fate === 'passed' ? 'passed' : 'failed';
      probe.endedAtMs = this.nowMs;
      if (probe.fate === 'image')
        probe.error = { code: 'AGENT_REFUSED', message: 'the agent refuses the configuration' };
      if (probe.fate === 'host') probe.error = { code: 'AGENT_UNREACHABLE', message: 'the agent does not answer' };
      if (probe.fate === 'cloud') probe.error = errors.cloud;
    }
  }

  /** Somebody ends an operation that does not end. */
  end(id: string, fate: MoveFate = this.operation(id).fate): void {
    const operation = this.operation(id);
    this.unended.delete(id);
    const loadBalancer = this.loadBalancers.get(operation.loadBalancerId);
    if (fate === 'done' || fate === 'never') {
      operation.status = 'done';
      if (!loadBalancer) return;
      loadBalancer.provisioningStatus = 'ACTIVE';
      loadBalancer.amphorae = loadBalancer.amphorae.map((amphora) =>
        amphora.id === operation.amphoraId || operation.amphoraId === null
          ? { ...amphora, id: `${id}-amphora`, imageId: operation.imageId, isServing: true }
          : amphora,
      );
      return;
    }
    operation.status = 'undone';
    operation.error = errors[fate];
    if (loadBalancer) loadBalancer.provisioningStatus = fate === 'internal' ? 'ERROR' : 'ACTIVE';
  }

  target(id: string): Target {
    return this.targets.get(id) as Target;
  }

  operation(id: string): WorldOperation {
    return this.operations.get(id) as WorldOperation;
  }

  private enqueue(step: Extract<Step, { kind: 'move' | 'revert' }>): string | 'refused' {
    const loadBalancer = this.loadBalancers.get(step.loadBalancerId);
    if (!loadBalancer || !['ACTIVE', 'ERROR'].includes(loadBalancer.provisioningStatus)) return 'refused';
    loadBalancer.provisioningStatus = 'PENDING_UPDATE';
    const id = `operation-${++this.operationCount}`;
    const fate = loadBalancer.fates.shift() ?? this.options.fate?.(this.random) ?? 'done';
    const moveMs = this.options.moveMs?.(this.random) ?? 30_000 + this.random.integer(60_000);
    this.operations.set(id, {
      loadBalancerId: step.loadBalancerId,
      amphoraId: step.amphoraId,
      imageId: step.imageId,
      endsAtMs: this.nowMs + moveMs,
      fate,
      status: 'unended',
      error: null,
    });
    this.unended.add(id);
    return id;
  }

  private now(id: string): TargetNow {
    const target = this.target(id);
    const loadBalancer = this.loadBalancers.get(id) ?? null;
    const operation = target.operationId === null ? null : this.operation(target.operationId);
    return {
      target,
      loadBalancer: loadBalancer && {
        provisioningStatus: loadBalancer.provisioningStatus,
        amphorae: loadBalancer.amphorae.map((one) => ({ ...one })),
      },
      operation: operation && { status: operation.status, error: operation.error },
      sample: loadBalancer && this.sample(loadBalancer, target),
    };
  }

  private sample({ health, amphorae }: WorldLoadBalancer, { watchUntilMs }: Target): HealthSample | null {
    const isNew = amphorae.some(({ imageId }) => imageId === this.spec.image.id);
    if (isNew && health === 'no data') return null;
    const isBad = isNew && health === 'fail';
    return {
      fromMs: this.nowMs - 90_000,
      toMs: watchUntilMs ?? this.nowMs,
      imageIds: amphorae.map(({ imageId }) => imageId),
      heartbeats: { count: 9, intervalMs: 10_000, longestGapMs: 10_000, sequenceRestarts: 0 },
      listeners: { listener: 'OPEN' },
      members: { one: 'UP', two: isBad ? 'DOWN' : 'UP' },
      operatingStatus: isBad ? 'DEGRADED' : 'ONLINE',
      configuration: 'one',
      traffic: { seconds: 90, connections: 900, requestErrors: 1 },
    };
  }

  private waveOf(wave: number): Window['wave'] {
    const found = this.waves.get(wave) ?? { open: 0, pass: 0, fail: 0, noData: 0 };
    this.waves.set(wave, found);
    return found;
  }

  private put(target: Target): void {
    const id = target.loadBalancerId;
    const former = this.targets.get(id);
    if (former) this.count(former, -1);
    this.targets.set(id, target);
    this.count(target, 1);
    toggle(this.busy, id, ['moving', 'watching', 'reverting'].includes(target.state));
    const isSettled = target.state === 'moved' || target.state === 'failed';
    toggle(this.settled, id, isSettled);
    toggle(this.worse, id, isSettled && (target.badness > 0 || goesBack(target)));
    const pending = this.pending.get(target.wave) ?? { due: new Set(), waiting: new Set() };
    this.pending.set(target.wave, pending);
    const hasWaited = target.notBeforeMs > 0;
    toggle(pending.due, id, target.state === 'pending' && !hasWaited);
    toggle(pending.waiting, id, target.state === 'pending' && hasWaited);
  }

  private count({ state, wave, verdict }: Target, by: 1 | -1): void {
    this.counts[state] += by;
    const tally = this.waveOf(wave);
    if (['pending', 'moving', 'watching'].includes(state)) tally.open += by;
    else if (verdict === 'pass') tally.pass += by;
    else if (verdict === 'fail') tally.fail += by;
    else if (verdict === 'no data') tally.noData += by;
  }
}

function goesBack({ state, verdict, mixedSinceMs }: Target): boolean {
  return state === 'failed' && (verdict === 'fail' || mixedSinceMs !== null);
}

function toggle(set: Set<string>, id: string, isIn: boolean): void {
  if (isIn) set.add(id);
  else set.delete(id);
}
