import { createCertificateRotations } from '../../adapters/storage/certificate-rotations.ts';
import { createJobStore } from '../../adapters/storage/job-store.ts';
import { createOrphans } from '../../adapters/storage/orphans.ts';
import { createPurge } from '../../adapters/storage/purge.ts';
import { createWorkerRegistry } from '../../adapters/storage/worker-registry.ts';
import type { HousekeepingJob } from '../../housekeeping/job.ts';
import { purgeJob } from '../../housekeeping/purge.ts';
import { rotateCertificatesJob } from '../../housekeeping/rotate-certificates.ts';
import type { JobRunner } from '../../housekeeping/run-jobs.ts';
import { createOrphanSweep } from '../../housekeeping/settle-orphans.ts';
import { settlePendingJob } from '../../housekeeping/settle-pending.ts';
import type { OperationQueue } from '../../ports/operation-queue.ts';
import type { WorkerIdentity } from '../../ports/worker-identity.ts';
import type { State } from '../state.ts';
import type { RuntimeContext } from '../wire.ts';

const LISTED = 100;

/** What is done at intervals by one of all worker processes, and by `kiln housekeeping run`. */
export function housekeepingJobs(
  { database }: Pick<State, 'database'>,
  { clock, log, current }: RuntimeContext,
  announce: OperationQueue['announce'],
): readonly HousekeepingJob[] {
  const orphans = createOrphans(database, clock);
  return [
    purgeJob({
      purge: createPurge(database, clock),
      clock,
      settings: () => {
        const { house_keeping: ages } = current();
        return {
          cleanupIntervalSeconds: ages.cleanup_interval,
          amphoraExpirySeconds: ages.amphora_expiry_age,
          operationExpirySeconds: ages.load_balancer_expiry_age,
        };
      },
    }),
    rotateCertificatesJob({
      rotations: createCertificateRotations(database, clock),
      clock,
      log,
      settings: () => {
        const { house_keeping: rotation } = current();
        return {
          intervalSeconds: rotation.cert_interval,
          bufferSeconds: rotation.cert_expiry_buffer,
          atOnce: rotation.cert_rotate_threads,
        };
      },
      announce,
    }),
    settlePendingJob({
      look: createOrphanSweep({ orphans, clock, log }),
      find: () => orphans.find(LISTED),
    }),
  ];
}

/** Whoever has a job is alive as long as its beats go on, as with operations. */
export function wireJobs(
  state: Pick<State, 'database'>,
  runtime: RuntimeContext,
  identity: WorkerIdentity,
  announce: OperationQueue['announce'],
): JobRunner & { registry: ReturnType<typeof createWorkerRegistry>; leaseMs: number } {
  const { clock, log, current } = runtime;
  const leaseMs = current().kiln.worker_lease_seconds * 1000;
  const registry = createWorkerRegistry(state.database, clock, { identity, role: 'housekeeping', leaseMs });
  return {
    jobs: housekeepingJobs(state, runtime, announce),
    store: createJobStore(state.database, clock),
    self: identity.self,
    isAlive: (worker) => registry.isAlive(worker),
    clock,
    log,
    registry,
    leaseMs,
  };
}
