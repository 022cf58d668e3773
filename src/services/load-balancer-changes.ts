import { immutable, notFound, pendingState, quotaMet } from '../core/lbaas/api-errors.ts';
import type { PlannedChange } from '../core/lbaas/changes.ts';
import type { CreationContext } from '../core/lbaas/creation-context.ts';
import { limitsOf, quotaExceeded } from '../core/lbaas/quota.ts';
import { networkReferencesOf } from '../core/lbaas/references.ts';
import { kindTitle } from '../core/lbaas/resource-names.ts';
import type { ApiSettings } from '../core/lbaas/settings.ts';
import { KilnError } from '../model/errors.ts';
import type { ResourceKind, StoredTree } from '../model/load-balancer.ts';
import type { Clock } from '../ports/clock.ts';
import type { ChangeQuota, LoadBalancerStore } from '../ports/load-balancer-store.ts';
import type { NetworkReferenceChecker } from '../ports/network-references.ts';
import type { QuotaStore } from '../ports/quota-store.ts';
import type { SecretStore } from '../ports/secret-store.ts';
import { checkSecretReferences, type SecretReferences } from './secret-references.ts';

export interface LoadBalancerChangesDeps {
  store: LoadBalancerStore;
  quotas: QuotaStore;
  networkReferences: NetworkReferenceChecker;
  secrets: SecretStore;
  clock: Clock;
  /** In force at this moment. */
  settings: () => ApiSettings;
  /** After a change was committed with its operation: nothing waits for the answer. */
  operationQueued(operation: { id: string; priority: number }): void;
}

/** How many of each kind are to be made. */
type Wanted = Readonly<Partial<Record<ResourceKind, number>>>;

export type LoadBalancerChanges = ReturnType<typeof createLoadBalancerChanges>;

/** What every change of a load balancer and of what is in it goes through; errors are in Octavia's words. */
export function createLoadBalancerChanges(deps: LoadBalancerChangesDeps) {
  const { store } = deps;

  /** What the project may have, as it is now: for all that one request asks. */
  async function quotaOf(projectId: string) {
    const limits = limitsOf(await deps.quotas.get(projectId), deps.settings().quotaDefaults);
    return {
      /**
       * Refuses early what would be too much; the store counts again, when it writes.
       * @returns what the change is to be applied with; null where none of these kinds is limited.
       */
      async require(more: Wanted): Promise<ChangeQuota | null> {
        // Nothing is counted for those who may have any number.
        const limited = Object.entries(more).filter(([kind, count]) => count > 0 && limits[kind as ResourceKind] >= 0);
        if (limited.length === 0) return null;
        const exceeded = quotaExceeded(limits, await store.countByProject(projectId), more);
        if (exceeded) throw quotaMet(kindTitle[exceeded]);
        return { projectId, limits };
      },
    };
  }

  return {
    async treeOf(loadBalancerId: string | null): Promise<StoredTree> {
      const tree = loadBalancerId === null ? null : await store.tree(loadBalancerId);
      if (!tree) throw notFound(kindTitle.loadbalancer, loadBalancerId);
      return tree;
    },

    context: (): CreationContext => ({
      settings: deps.settings(),
      newId: () => crypto.randomUUID(),
      now: deps.clock.now().toISOString(),
    }),

    quotaOf,

    /** As `quotaOf`, for a request that asks once. */
    requireQuota: async (projectId: string, more: Wanted) => (await quotaOf(projectId)).require(more),

    /**
     * Subnets, security groups and QoS policies that a body in the core's names refers to, at any depth: this user sees them.
     * @param userToken undefined where everybody sees the same.
     */
    async checkNetworkReferences(body: object, userToken: string | undefined): Promise<void> {
      await deps.networkReferences.check(networkReferencesOf(body), userToken);
    },

    /** Certificates and the like that these objects refer to are there, and are what they have to be. */
    async checkSecrets(references: readonly SecretReferences[], projectId: string): Promise<void> {
      for (const one of references) await checkSecretReferences(deps.secrets, one, projectId);
    },

    /**
     * The store has the last word on whether the load balancer may be changed; its refusal is reported in Octavia's words.
     * @param options.aboutItself the load balancer, and not what is in it, is changed.
     * @param options.quota of a change that makes something: see `requireQuota`.
     */
    async apply(
      planned: PlannedChange,
      { aboutItself = false, quota = null }: { aboutItself?: boolean; quota?: ChangeQuota | null } = {},
    ): Promise<void> {
      try {
        await store.apply({ ...planned, quota });
      } catch (error) {
        if (!(error instanceof KilnError)) throw error;
        if (error.code === 'QUOTA_MET') throw quotaMet(kindTitle[error.details.kind as ResourceKind]);
        // Gone since it was read: the route finds out of what there is no more.
        if (error.code === 'RESOURCE_NOT_FOUND')
          throw new KilnError('CHANGE_OUTDATED', error.message, { cause: error });
        if (error.code !== 'IMMUTABLE') throw error;
        if (!aboutItself) throw immutable(kindTitle.loadbalancer, planned.loadBalancerId);
        const now = await store.get('loadbalancer', planned.loadBalancerId);
        throw pendingState(now?.provisioningStatus ?? 'DELETED', planned.loadBalancerId);
      }
      deps.operationQueued(planned.operation);
    },
  };
}
