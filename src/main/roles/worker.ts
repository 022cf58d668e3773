import { createInProcessQueue } from '../../adapters/queue/in-process.ts';
import { createRabbitQueue } from '../../adapters/queue/rabbitmq.ts';
import { createOutbox } from '../../adapters/storage/outbox.ts';
import { createWorkerRegistry } from '../../adapters/storage/worker-registry.ts';
import { growingPauseMs } from '../../core/growing-pause.ts';
import type { Flow } from '../../flows/engine/flow.ts';
import { loadBalancerFlows } from '../../flows/load-balancer/index.ts';
import type { LoadBalancerParts } from '../../flows/load-balancer/parts.ts';
import { rememberTrees } from '../../flows/load-balancer/remember-trees.ts';
import { createWorker, type Worker } from '../../flows/worker.ts';
import type { ImageResolver } from '../../ports/image-resolver.ts';
import type { OperationQueue } from '../../ports/operation-queue.ts';
import type { SecretStore } from '../../ports/secret-store.ts';
import type { WorkerIdentity } from '../../ports/worker-identity.ts';
import type { OpenStack } from '../openstack.ts';
import type { State } from '../state.ts';
import { type Around, loadBalancerParts } from '../wire.ts';
import { rabbitLinkSettings } from './rabbit-settings.ts';

/** Going forward, a step that may yet succeed is tried for about ten seconds: then the flow goes back. */
const DOING = { attempts: 5, firstPauseMs: 500, longestPauseMs: 5_000 };
/** Going back, or on where there is no way back, for about a minute; then somebody tries again later. */
const UNDOING = { attempts: 8, firstPauseMs: 500, longestPauseMs: 15_000 };

const SWEEP_EVERY_MS = 5_000;
const RELAY_EVERY_MS = 5_000;

/** How operations reach workers: by RabbitMQ where a transport_url is set, else within this process. */
export function wireQueue(state: State, { clock, log, current }: Around): OperationQueue {
  const { DEFAULT, oslo_messaging_rabbit: rabbit } = current();
  if (!DEFAULT.transport_url) return createInProcessQueue({ clock, pauseMs: growingPauseMs });
  const link = rabbitLinkSettings(DEFAULT.transport_url, rabbit);
  const outbox = createOutbox(state.database, clock);
  return createRabbitQueue({ ...link, clock, log, outbox, relayEveryMs: RELAY_EVERY_MS, pauseMs: growingPauseMs });
}

/** Carries out operations on load balancers. @param flows all there are, unless a test puts something around them. */
export function wireWorker(
  own: {
    openstack: OpenStack;
    state: State;
    secrets: SecretStore;
    queue: OperationQueue;
    identity: WorkerIdentity;
    /** The one whose choices `kiln status` tells of; absent: one of its own. */
    resolver?: ImageResolver;
  },
  around: Around,
  flows: readonly Flow<LoadBalancerParts>[] = loadBalancerFlows,
): Worker {
  const { clock, log, current } = around;
  const { openstack, state, secrets, queue, identity } = own;
  const leaseMs = current().kiln.worker_lease_seconds * 1000;
  const registry = createWorkerRegistry(state.database, clock, { identity, role: 'worker', leaseMs });
  const { journal } = state;
  const parts = {
    ...loadBalancerParts(openstack, state, secrets, around),
    ...(own.resolver && { resolver: own.resolver }),
  };
  return createWorker({
    queue,
    journal,
    flows: new Map(flows.map((flow) => [flow.name, flow])),
    parts: () => ({ ...parts, loadBalancers: rememberTrees(parts.loadBalancers) }),
    engine: {
      journal,
      clock,
      log,
      doing: DOING,
      undoing: UNDOING,
      get giveUpAfterMs() {
        return current().kiln.give_up_seconds * 1000;
      },
    },
    self: identity.self,
    isAlive: (worker) => registry.isAlive(worker),
    capacity: current().task_flow.max_workers,
    clock,
    log,
    onLetGo: (operationId) => parts.builds.release(operationId),
    sweepEveryMs: SWEEP_EVERY_MS,
    lease: { beat: registry.beat, remove: registry.remove, lastsMs: leaseMs },
  });
}
