import type { Registry } from 'prom-client';
import type { ApiSettings } from '../../core/lbaas/settings.ts';
import type { ConnectionLimits } from '../../http/limited-server.ts';
import type { Attention } from '../../model/attention.ts';
import type { Fleet } from '../../model/fleet.ts';
import type { Image } from '../../model/image.ts';
import type { AbortedOperation } from '../../model/operation.ts';
import type { TaggedImage } from '../../model/tagged-image.ts';
import type { AmphoraRegister, AmphoraStore } from '../../ports/amphora-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventFeed } from '../../ports/events.ts';
import type { FlavorStore } from '../../ports/flavor-store.ts';
import type { HealthStore } from '../../ports/health-store.ts';
import type { Journal } from '../../ports/journal.ts';
import type { LoadBalancerStore } from '../../ports/load-balancer-store.ts';
import type { Log } from '../../ports/log.ts';
import type { NetworkReferenceChecker } from '../../ports/network-references.ts';
import type { OverviewStore } from '../../ports/overview-store.ts';
import type { QuotaStore } from '../../ports/quota-store.ts';
import type { Releases } from '../../ports/releases.ts';
import type { SecretStore } from '../../ports/secret-store.ts';
import type { TrafficSamples } from '../../ports/traffic-samples.ts';
import type { VipAllocator } from '../../ports/vip-allocator.ts';
import type { VipReservations } from '../../ports/vip-reservations.ts';
import type { ProfileChecker } from '../../services/profile-checker.ts';
import type { Authentication } from '../auth/authenticate.ts';
import type { Policy } from '../policy/policy.ts';
import type { UiDeps } from '../ui/routes.ts';

/** What the API is made of. */
export interface ApiDeps {
  store: LoadBalancerStore;
  flavors: FlavorStore;
  quotas: QuotaStore;
  amphorae: AmphoraRegister & Pick<AmphoraStore, 'get'>;
  healthStore: Pick<HealthStore, 'statisticsOfLoadBalancer' | 'statisticsOfListener' | 'statisticsOfAmphora'>;
  /** Statistics over time. */
  trafficSamples: Pick<TrafficSamples, 'list'>;
  vips: VipAllocator;
  /** Absent: nothing is logged. */
  log?: Log;
  networkReferences: NetworkReferenceChecker;
  profileChecker: ProfileChecker;
  /** [oslo_middleware]; absent: oslo.middleware's defaults. */
  http?: { largestBodyBytes: number; trustsProxyHeaders: boolean };
  /** Absent: those for small requests. */
  connections?: ConnectionLimits;
  /** Which images the amphorae run. */
  fleet: () => Promise<Fleet>;
  overview: OverviewStore;
  /** What a release could bring to the fleet, newest first. */
  releasableImages: () => Promise<readonly Image[]>;
  /** Which images carried which tag, newest first. */
  tagHistory: () => Promise<readonly TaggedImage[]>;
  journal: Pick<Journal, 'get'>;
  /** What needs an operator. */
  attention: () => Promise<Attention>;
  /** Ends an operation by hand. */
  abortOperation(operationId: string, by: { who: string | null; reason: string }): Promise<AbortedOperation>;
  /** Last heard of longer ago than this, an amphora is silent. */
  heartbeatTimeoutSeconds: () => number;
  /** Releases of images: planned, started, steered. */
  releases: Releases;
  /** What happens in all of Kiln. */
  events: EventFeed;
  reservations: VipReservations;
  /** What listeners and pools refer to is looked at before it is let in. */
  secrets: SecretStore;
  policy: Policy;
  authentication: Authentication;
  clock: Clock;
  /** In force at this moment: asked for by each request. */
  settings: () => ApiSettings;
  paging: PagingSettings;
  /** After a change was committed with its operation: nothing waits for the answer. */
  operationQueued(operation: { id: string; priority: number }): void;
  /** What `/metrics` serves; the API adds its own. Absent: those alone. */
  metrics?: Registry;
  /** The web page; null: there is none. */
  ui: UiDeps | null;
  /** Null: `/healthcheck` is off. */
  health: {
    /** What is wrong; nothing when all is well. */
    problems: () => Promise<readonly string[]>;
    /** `[healthcheck] detailed`. */
    detailed: boolean;
  } | null;
}

export interface PagingSettings {
  /** `[api_settings] pagination_max_limit`; null: infinite. */
  maximum: number | null;
  /** `[api_settings] api_base_uri`; null: the scheme and host that the client asked. */
  baseUri: string | null;
}
