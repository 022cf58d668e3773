import { createInProcessQueue } from '../../adapters/queue/in-process.ts';
import { createRabbitQueue } from '../../adapters/queue/rabbitmq.ts';
import { createOutbox } from '../../adapters/storage/outbox.ts';
import { rememberTrees } from '../../flows/lib/remember-trees.ts';
import { loadBalancerFlows, type OperationFlow } from '../../flows/load-balancer/index.ts';
import { createWorker, type Worker, type WorkerSettings } from '../../flows/worker.ts';
import type { Bell } from '../../lib/bell.ts';
import { growingPauseMs } from '../../lib/growing-pause.ts';
import type { ServeRole } from '../../model/serve-role.ts';
import type { OperationQueue } from '../../ports/operation-queue.ts';
import type { SecretStore } from '../../ports/secret-store.ts';
import type { OpenStack } from '../openstack.ts';
import { rabbitLinkSettings } from '../settings/rabbit-settings.ts';
import type { State } from '../state.ts';
import { loadBalancerDeps, type ProcessDeps, type RuntimeContext } from '../wire.ts';
import { wireRegistry } from './seen-process.ts';

/** Going forward, a step that may yet succeed is tried for about ten seconds: then the flow goes back. */
const DOING = { attempts: 5, firstPauseMs: 500, longestPauseMs: 5_000 };
/** Going back, or on where there is no way back, for about a minute; then somebody tries again later. */
const UNDOING = { attempts: 8, firstPauseMs: 500, longestPauseMs: 15_000 };

const SWEEP_EVERY_MS = 5_000;
const RELAY_EVERY_MS = 5_000;
/** Longer than quorum queues take to choose another leader. */
const BROKER_ANSWERS_WITHIN_MS = 10_000;

/** How operations reach workers: by RabbitMQ where a transport_url is set, else within this process. */
export function wireQueue(state: State, { clock, log, current }: RuntimeContext): OperationQueue {
  const { DEFAULT, oslo_messaging_rabbit: rabbit } = current();
  if (!DEFAULT.transport_url) return createInProcessQueue({ clock, pauseMs: growingPauseMs });
  const link = rabbitLinkSettings(DEFAULT.transport_url, rabbit);
  const outbox = createOutbox(state.database, clock);
  return createRabbitQueue({
    ...link,
    clock,
    log,
    outbox,
    relayEveryMs: RELAY_EVERY_MS,
    answerWithinMs: BROKER_ANSWERS_WITHIN_MS,
    pauseMs: growingPauseMs,
  });
}

/** How flows are carried out. */
export function engineOf(journal: State['journal'], { clock, log, current }: RuntimeContext) {
  return {
    journal,
    clock,
    log,
    doing: DOING,
    undoing: UNDOING,
    get giveUpAfterMs() {
      return current().kiln.give_up_seconds * 1000;
    },
  };
}

/** Carries out operations. @param flows all there are, unless a test puts something around them. */
export function wireWorker(
  shared: {
    openstack: OpenStack;
    state: State;
    secrets: SecretStore;
    queue: OperationQueue;
    /** Of the process; its image choices are what `kiln status` tells of. */
    own: ProcessDeps;
    /** Of the process; absent: this one. */
    roles?: readonly ServeRole[];
    /** Rung when an operation has ended. */
    bell?: Bell;
    /** Called with each operation that has ended. */
    onEnded?: WorkerSettings<unknown>['onEnded'];
    /** Whether these flows are not all there are. */
    isPartial?: boolean;
  },
  runtime: RuntimeContext,
  flows: readonly OperationFlow[] = loadBalancerFlows,
): Worker {
  const { clock, log, current } = runtime;
  const { openstack, state, secrets, queue, own } = shared;
  const { identity } = own;
  const { registry, leaseMs } = wireRegistry(state.database, runtime, identity, shared.roles ?? ['worker']);
  const { journal } = state;
  const deps = loadBalancerDeps(own, openstack, state, secrets, runtime);
  // What can't be written now is seen by whoever looks for a place: the operation has no worker any more.
  const releaseBuilds = (operationId: string) =>
    void deps.builds
      .release(operationId)
      .catch((error: unknown) => log.debug({ operation: operationId, err: error }, 'places stay taken for a moment'));
  return createWorker({
    queue,
    journal,
    flows: new Map(flows.map((flow) => [flow.name, flow])),
    deps: () => ({ ...deps, loadBalancers: rememberTrees(deps.loadBalancers) }),
    engine: engineOf(journal, runtime),
    self: identity.self,
    isAlive: (worker) => registry.isAlive(worker),
    capacity: current().task_flow.max_workers,
    clock,
    log,
    onLetGo: (operationId) => {
      releaseBuilds(operationId);
      shared.bell?.ring();
    },
    ...(shared.onEnded && { onEnded: shared.onEnded }),
    sweepEveryMs: SWEEP_EVERY_MS,
    lease: { beat: registry.beat, remove: registry.remove, lastsMs: leaseMs },
    isPartial: shared.isPartial ?? false,
  });
}
