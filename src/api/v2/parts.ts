import type { ApiSettings } from '../../core/api/settings.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LoadBalancerStore, ResourceKind } from '../../ports/load-balancer-store.ts';
import type { VipAllocator } from '../../ports/vip-allocator.ts';
import type { Authentication } from '../auth/authenticate.ts';
import type { Policy } from '../policy/policy.ts';

/** What the API is made of. */
export interface ApiParts {
  store: LoadBalancerStore;
  vips: VipAllocator;
  policy: Policy;
  authentication: Authentication;
  clock: Clock;
  settings: ApiSettings;
  paging: PagingSettings;
  /** How much of each kind a project may have; -1: any number. */
  quotaOf(projectId: string): Promise<Readonly<Record<ResourceKind, number>>>;
  /** After a change was committed with its operation: nothing waits for the answer. */
  operationQueued(operationId: string): void;
  /** Null: `/healthcheck` is off. Else what is wrong; nothing when all is well. */
  health: (() => Promise<readonly string[]>) | null;
}

export interface PagingSettings {
  /** `[api_settings] pagination_max_limit`; null: infinite. */
  maximum: number | null;
  /** `[api_settings] api_base_uri`; null: the scheme and host that the client asked. */
  baseUri: string | null;
}
