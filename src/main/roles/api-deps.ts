import type { Registry } from 'prom-client';
import { fleetMetrics } from '../../adapters/metrics/fleet.ts';
import { createEventStore } from '../../adapters/storage/event-store.ts';
import { createOverviewStore } from '../../adapters/storage/overview-store.ts';
import { createTagHistory } from '../../adapters/storage/tag-history.ts';
import { createTrafficSamples } from '../../adapters/storage/traffic-samples.ts';
import { createUiFiles } from '../../adapters/ui/files.ts';
import type { Policy } from '../../api/policy/policy.ts';
import type { ApiDeps } from '../../api/v2/deps.ts';
import type { Configuration } from '../../config/options/index.ts';
import { abortable } from '../../lib/abortable.ts';
import type { Bell } from '../../lib/bell.ts';
import { keepOneAnswer } from '../../lib/keep-answer.ts';
import { KilnError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ImageResolver } from '../../ports/image-resolver.ts';
import type { OperationQueue } from '../../ports/operation-queue.ts';
import type { SecretStore } from '../../ports/secret-store.ts';
import type { WorkerIdentity } from '../../ports/worker-identity.ts';
import { createEventFeed } from '../../services/event-feed.ts';
import { createProfileChecker } from '../../services/profile-checker.ts';
import { createReferenceChecker, networkSeenBy } from '../../services/reference-checker.ts';
import { shareReleaseReads } from '../../services/share-release-reads.ts';
import { createVipAllocator } from '../../services/vip-allocator.ts';
import { wireAbort } from '../abort.ts';
import type { OpenStack } from '../openstack.ts';
import { apiSettings, pagingSettings } from '../settings/api-settings.ts';
import type { State } from '../state.ts';
import { type RuntimeContext, wireFleet, wireReleases } from '../wire.ts';
import { authenticationOf } from './api.ts';
import { wireAttention } from './attention.ts';
import { wireHealthCheck } from './health-check.ts';

/** Made anew when the configuration has been read again, not by each request. */
function oncePer<Value>(current: () => Configuration, make: (configuration: Configuration) => Value): () => Value {
  let made: { of: Configuration; value: Value } | null = null;
  return () => {
    const configuration = current();
    if (made?.of !== configuration) made = { of: configuration, value: make(configuration) };
    return made.value;
  };
}

/** However many look at an overview, the database and Glance are asked for it once in so long. */
const SHARED_MS = 5_000;
/** Less than the page waits for an answer (src/ui/api.ts). */
const IMAGES_WITHIN_MS = 15_000;
/** Images with their tags that an overview goes back. */
const TAG_HISTORY = 200;

const sharedBriefly = <Answer>(clock: Clock, look: () => Promise<Answer>) =>
  keepOneAnswer(look, { keepMs: SHARED_MS, nowMs: () => clock.monotonicMs() });

function wireUi({ signIn }: OpenStack, { clock, current }: RuntimeContext): ApiDeps['ui'] {
  const hasKeystone = current().api_settings.auth_strategy !== 'noauth';
  return { files: createUiFiles(), signIn: hasKeystone ? signIn() : null, clock };
}

/** What the API acts through. */
export function apiDeps(
  shared: {
    openstack: OpenStack;
    state: State;
    identity: Pick<WorkerIdentity, 'self'>;
    resolver: ImageResolver;
    secrets: SecretStore;
    queue: Pick<OperationQueue, 'announce'>;
    policy: Policy;
    metrics: Registry;
    /** Rung when an operator has started a release, or has spoken to one. */
    bell?: Bell;
  },
  runtime: RuntimeContext,
): ApiDeps {
  const { clock, log, current } = runtime;
  const { openstack, state, resolver, queue, policy, metrics } = shared;
  const configuration = current();
  const fleet = sharedBriefly(clock, wireFleet(openstack, state, resolver, runtime));
  const overview = createOverviewStore(state.database, clock);
  const history = createTagHistory(state.database, clock);
  fleetMetrics(metrics, () => fleet(), clock);
  const views = {
    network: openstack.network,
    ...(openstack.networkAs ? { networkAs: openstack.networkAs } : {}),
  };
  return {
    store: state.loadBalancers,
    flavors: state.flavors,
    quotas: state.quotas,
    amphorae: state.amphorae,
    healthStore: state.health,
    trafficSamples: createTrafficSamples(state.database, clock),
    vips: createVipAllocator(views),
    networkReferences: createReferenceChecker(networkSeenBy(views)),
    profileChecker: createProfileChecker({
      ...openstack,
      images: resolver,
      defaultFlavorId: () => current().controller_worker.amp_flavor_id,
    }),
    fleet,
    overview,
    journal: state.journal,
    attention: sharedBriefly(clock, wireAttention(state, overview, fleet, runtime)),
    releasableImages: sharedBriefly(clock, () =>
      abortable(resolver.releasable(), AbortSignal.timeout(IMAGES_WITHIN_MS), () => {
        const why = `the image service has not answered within ${IMAGES_WITHIN_MS / 1000} s`;
        return new KilnError('SERVICE_TIMEOUT', why, { retryable: true });
      }),
    ),
    tagHistory: sharedBriefly(clock, () => history.list(TAG_HISTORY)),
    abortOperation: wireAbort(state, shared.identity.self, log),
    heartbeatTimeoutSeconds: () => current().health_manager.heartbeat_timeout,
    releases: shareReleaseReads(
      wireReleases(openstack, state, resolver, runtime, () => shared.bell?.ring()),
      clock,
      SHARED_MS,
    ),
    events: createEventFeed(createEventStore(state.database, clock), clock),
    reservations: state.vipReservations,
    secrets: shared.secrets,
    policy,
    authentication: authenticationOf(configuration, () =>
      openstack.tokens({ cacheSeconds: configuration.keystone_authtoken.token_cache_time }),
    ),
    clock,
    log,
    settings: oncePer(current, apiSettings),
    http: {
      largestBodyBytes: configuration.oslo_middleware.max_request_body_size,
      trustsProxyHeaders: configuration.oslo_middleware.enable_proxy_headers_parsing,
    },
    metrics,
    paging: pagingSettings(configuration),
    operationQueued: (operation) => queue.announce(operation),
    ui: configuration.kiln.ui ? wireUi(openstack, runtime) : null,
    health: configuration.api_settings.healthcheck_enabled ? wireHealthCheck(state, runtime) : null,
  };
}
