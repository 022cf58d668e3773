import { randomInt, randomUUID } from 'node:crypto';
import { createInProcessQueue } from '../adapters/queue/in-process.ts';
import { bootAmphora } from '../flows/load-balancer/boot-amphora.ts';
import { deleteAmphora } from '../flows/load-balancer/delete-amphora.ts';
import type { Worker } from '../flows/worker.ts';
import { adoptAmphorae } from '../housekeeping/adopt-amphorae.ts';
import { growingPauseMs } from '../lib/growing-pause.ts';
import type { AmphoraOperations } from '../ports/amphora-operations.ts';
import type { OperationQueue } from '../ports/operation-queue.ts';
import type { SecretStore } from '../ports/secret-store.ts';
import type { WorkerIdentity } from '../ports/worker-identity.ts';
import { createAmphoraOperations } from '../services/amphora-operations.ts';
import type { OpenStack } from './openstack.ts';
import { wireWorker } from './roles/worker.ts';
import { amphoraSettings } from './settings/amphora-settings.ts';
import type { State } from './state.ts';
import { type RuntimeContext, wireProcess } from './wire.ts';

/** As often as people can tell apart. */
const LOOK_EVERY_MS = 100;

/** What `kiln amphora` asks for, where workers of this or other processes carry it out. */
export function wireAmphoraOperations(
  own: {
    state: State;
    identity: WorkerIdentity;
    queue: Pick<OperationQueue, 'announce'>;
    worker: () => Pick<Worker, 'turnAround'> | null;
    stopping: AbortSignal;
  },
  { clock, current }: RuntimeContext,
): AmphoraOperations {
  return createAmphoraOperations({
    amphorae: own.state.amphorae,
    journal: own.state.journal,
    clock,
    settings: () => amphoraSettings(current()),
    newId: randomUUID,
    randomInteger: randomInt,
    self: own.identity.self,
    announce: (operation) => own.queue.announce(operation),
    turnAround: (operationId, reason) => own.worker()?.turnAround(operationId, reason),
    stopping: own.stopping,
    lookEveryMs: LOOK_EVERY_MS,
  });
}

/** What the dead of Kiln 0.2 and before left is given operations. */
export function wireAdoption(
  own: { state: State; identity: WorkerIdentity; queue: Pick<OperationQueue, 'announce'> },
  { log, current }: RuntimeContext,
): () => Promise<number> {
  return () =>
    adoptAmphorae({
      amphorae: own.state.amphorae,
      worker: own.identity,
      settings: () => amphoraSettings(current()),
      announce: (operation) => own.queue.announce(operation),
      log,
    });
}

/**
 * The same for a command without a `kiln serve`: it has a worker of its own for as long as it runs, which knows boots and deletions
 * of amphorae alone, and takes up those that the dead have left. The worker begins with the first thing that is asked for.
 */
export function wireOwnAmphoraOperations(
  own: { openstack: OpenStack; state: State; secrets: SecretStore },
  runtime: RuntimeContext,
): { operations: AmphoraOperations; close(): Promise<void> } {
  const queue = createInProcessQueue({ clock: runtime.clock, pauseMs: growingPauseMs });
  const process = wireProcess(own.openstack, runtime);
  const { identity } = process;
  const ended = new AbortController();
  let worker: Promise<Worker> | null = null;
  let working: Worker | null = null;

  async function startWorker(): Promise<Worker> {
    const made = wireWorker({ ...own, own: process, queue, isPartial: true }, runtime, [bootAmphora, deleteAmphora]);
    await wireAdoption({ ...own, identity, queue }, runtime)();
    await made.start();
    working = made;
    return made;
  }
  const begun = () => {
    worker ??= startWorker();
    return worker;
  };
  const operations = wireAmphoraOperations(
    { ...own, identity, queue, worker: () => working, stopping: ended.signal },
    runtime,
  );
  return {
    operations: {
      ...operations,
      async boot(...asked) {
        await begun();
        return await operations.boot(...asked);
      },
      async delete(...asked) {
        await begun();
        return await operations.delete(...asked);
      },
    },
    async close() {
      ended.abort();
      await (await worker?.catch(() => null))?.stop();
    },
  };
}
