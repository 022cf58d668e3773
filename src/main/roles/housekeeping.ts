import { randomUUID } from 'node:crypto';
import { createAgentConfigurations } from '../../adapters/storage/agent-configurations.ts';
import { createCertificateRotations } from '../../adapters/storage/certificate-rotations.ts';
import { createCloudOrphans } from '../../adapters/storage/cloud-orphans.ts';
import { createJobStore } from '../../adapters/storage/job-store.ts';
import { createOrphans } from '../../adapters/storage/orphans.ts';
import { createPurge } from '../../adapters/storage/purge.ts';
import { createTagHistory } from '../../adapters/storage/tag-history.ts';
import { createTrafficSamples } from '../../adapters/storage/traffic-samples.ts';
import { heartbeatDigest } from '../../core/amphora/heartbeat-digest.ts';
import type { HousekeepingJob } from '../../housekeeping/job.ts';
import { purgeJob } from '../../housekeeping/purge.ts';
import { pushConfigurationJob } from '../../housekeeping/push-configuration.ts';
import { releaseAbandonedVipsJob } from '../../housekeeping/release-abandoned-vips.ts';
import { removeOrphansJob } from '../../housekeeping/remove-orphans.ts';
import { rotateCertificatesJob } from '../../housekeeping/rotate-certificates.ts';
import type { JobRunner } from '../../housekeeping/run-jobs.ts';
import { sampleTrafficJob } from '../../housekeeping/sample-traffic.ts';
import { createOrphanSweep } from '../../housekeeping/settle-orphans.ts';
import { settlePendingJob } from '../../housekeeping/settle-pending.ts';
import { watchTagsJob } from '../../housekeeping/watch-tags.ts';
import { type Bell, createBell } from '../../lib/bell.ts';
import type { ServeRole } from '../../model/serve-role.ts';
import type { CloudInventory } from '../../ports/cloud-inventory.ts';
import type { ImageResolver } from '../../ports/image-resolver.ts';
import type { ImageService } from '../../ports/images.ts';
import type { OperationQueue } from '../../ports/operation-queue.ts';
import type { VipAllocator } from '../../ports/vip-allocator.ts';
import type { WorkerIdentity } from '../../ports/worker-identity.ts';
import { type CarryOnDeps, createCarryOn } from '../../releases/carry-on.ts';
import { createGlanceLook } from '../../releases/glance-look.ts';
import { releasesJob } from '../../releases/releases-job.ts';
import { createReleaseHealth } from '../../services/release-health.ts';
import { amphoraSettings } from '../settings/amphora-settings.ts';
import type { State } from '../state.ts';
import type { RuntimeContext } from '../wire.ts';
import { type SeenProcess, wireRegistry } from './seen-process.ts';

export interface HousekeepingDeps extends Pick<State, 'database' | 'amphorae' | 'releases' | 'vipReservations'> {
  inventory: CloudInventory;
  vips: Pick<VipAllocator, 'release'>;
  images: Pick<ImageService, 'get' | 'list' | 'addTag' | 'removeTag'>;
  resolver: Pick<ImageResolver, 'resolveAssigned' | 'releasable' | 'trustedOwner'>;
  /** Rung in this process when an operation has ended, or an operator has spoken to a release. */
  bell?: Bell;
  /** Counts a load balancer that failed in a release. */
  releaseFailed?: CarryOnDeps['failed'];
}

const LISTED = 100;

/** What is done at intervals by one of all housekeeping processes, and by `kiln housekeeping run`. */
export function housekeepingJobs(
  deps: HousekeepingDeps,
  runtime: RuntimeContext,
  announce: OperationQueue['announce'],
): readonly HousekeepingJob[] {
  const { database, inventory, vips, vipReservations: reservations } = deps;
  const { clock, log, current } = runtime;
  const orphans = createOrphans(database, clock);
  return [
    purgeJob({
      purge: createPurge(database, clock),
      clock,
      settings: () => {
        const { house_keeping: ages, kiln } = current();
        return {
          cleanupIntervalSeconds: ages.cleanup_interval,
          amphoraExpirySeconds: ages.amphora_expiry_age,
          operationExpirySeconds: ages.load_balancer_expiry_age,
          releaseExpirySeconds: kiln.release_expiry_seconds,
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
      clock,
    }),
    pushConfigurationJob({
      configurations: createAgentConfigurations(database, clock),
      clock,
      newId: randomUUID,
      settings: () => {
        const { agent } = amphoraSettings(current()).server;
        const isSent = agent.healthManager.controllerIpPortList.length > 0;
        const isReal = current().controller_worker.amphora_driver !== 'amphora_noop_driver';
        return { digest: isSent && isReal ? heartbeatDigest(agent.healthManager) : null };
      },
      announce,
    }),
    removeOrphansJob({
      inventory,
      orphans: createCloudOrphans(database, clock),
      clock,
      log,
      settings: () => {
        const { kiln } = current();
        return { intervalSeconds: kiln.orphan_interval_seconds, graceSeconds: kiln.orphan_grace_seconds };
      },
    }),
    watchTagsJob({
      history: createTagHistory(database, clock),
      images: usesGlance(current()) ? deps.images : null,
      resolver: deps.resolver,
      clock,
      log,
      settings: () => ({ tag: current().controller_worker.amp_image_tag || null }),
    }),
    releaseAbandonedVipsJob({ reservations, vips, clock, log }),
    sampleTrafficJob({ samples: createTrafficSamples(database, clock), clock }),
    wireController(deps, runtime, announce),
  ];
}

const usesGlance = ({ controller_worker: worker }: ReturnType<RuntimeContext['current']>) =>
  worker.image_driver !== 'image_noop_driver';

/** The controller of releases. */
function wireController(
  { releases, amphorae, images: glance, resolver, releaseFailed, bell = createBell() }: HousekeepingDeps,
  { clock, log, current }: RuntimeContext,
  announce: OperationQueue['announce'],
): HousekeepingJob {
  const images = usesGlance(current()) ? glance : null;
  const health = createReleaseHealth({
    store: releases,
    heartbeatIntervalMs: () => current().health_manager.heartbeat_interval * 1000,
  });
  const carryOn = createCarryOn({
    releases,
    amphorae,
    health,
    glance: createGlanceLook({ images, resolver, clock, log }),
    images,
    clock,
    log,
    newId: randomUUID,
    settings: () => ({
      heartbeatTimeoutSeconds: current().health_manager.heartbeat_timeout,
      workerLeaseSeconds: current().kiln.worker_lease_seconds,
      maxWorkers: current().task_flow.max_workers,
      tag: current().controller_worker.amp_image_tag ?? '',
    }),
    announce,
    failed: releaseFailed ?? (() => {}),
  });
  return releasesJob({ releases, carryOn, clock, log, bell });
}

/** Whoever has a job is alive as long as its beats go on, as with operations. */
export function wireJobs(
  deps: HousekeepingDeps,
  runtime: RuntimeContext,
  identity: WorkerIdentity,
  announce: OperationQueue['announce'],
  roles: readonly ServeRole[],
): JobRunner & SeenProcess {
  const seen = wireRegistry(deps.database, runtime, identity, roles);
  return {
    ...seen,
    jobs: housekeepingJobs(deps, runtime, announce),
    store: createJobStore(deps.database, runtime.clock),
    self: identity.self,
    isAlive: (worker) => seen.registry.isAlive(worker),
  };
}
