import type { FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { immutable, invalidField, notFound, pendingState, quotaMet } from '../../../core/lbaas/api-errors.ts';
import type { PlannedChange } from '../../../core/lbaas/changes.ts';
import type { CreationContext } from '../../../core/lbaas/creation-context.ts';
import { limitsOf, quotaExceeded } from '../../../core/lbaas/quota.ts';
import { networkReferencesOf } from '../../../core/lbaas/references.ts';
import { type Kind, kindTitle } from '../../../core/lbaas/resource-names.ts';
import { KilnError } from '../../../model/errors.ts';
import type { LoadBalancerTree, StoredTree } from '../../../model/load-balancer.ts';
import type { ChangeQuota } from '../../../ports/load-balancer-store.ts';
import { userTokenOf } from '../../auth/authenticate.ts';
import { representations } from '../collections.ts';
import type { ApiDeps } from '../deps.ts';
import { checkSecretReferences, type SecretReferences } from '../secret-references.ts';

export type ById = { Params: { id: string } };

export type WriteTools = ReturnType<typeof writeTools>;

export function writeTools(deps: ApiDeps) {
  const { store } = deps;

  async function treeOf(loadBalancerId: string | null): Promise<StoredTree> {
    const tree = loadBalancerId === null ? null : await store.tree(loadBalancerId);
    if (!tree) throw notFound(kindTitle.loadbalancer, loadBalancerId);
    return tree;
  }

  return {
    treeOf,
    making: (): CreationContext => ({
      settings: deps.settings(),
      newId: () => crypto.randomUUID(),
      now: deps.clock.now().toISOString(),
    }),

    /**
     * Refuses early what would be too much; the store counts again, when it writes.
     * @param more how many of each kind are to be made.
     * @returns what the change is to be applied with; null where none of these kinds is limited.
     */
    async demandQuota(projectId: string, more: Readonly<Partial<Record<Kind, number>>>): Promise<ChangeQuota | null> {
      const limits = limitsOf(await deps.quotas.get(projectId), deps.settings().quotaDefaults);
      // Nothing is counted for those who may have any number.
      const limited = Object.entries(more).filter(([kind, count]) => count > 0 && limits[kind as Kind] >= 0);
      if (limited.length === 0) return null;
      const exceeded = quotaExceeded(limits, await store.countByProject(projectId), more);
      if (exceeded) throw quotaMet(kindTitle[exceeded]);
      return { projectId, limits };
    },

    /** Subnets, security groups and QoS policies that a body in the core's names refers to, at any depth: this user sees them. */
    async demandNetworkReferences(body: object, request: FastifyRequest): Promise<void> {
      await deps.networkReferences.check(networkReferencesOf(body), userTokenOf(request));
    },

    /** Certificates and the like that these objects refer to are there, and are what they have to be. */
    async demandSecrets(references: readonly SecretReferences[], projectId: string): Promise<void> {
      for (const one of references) await checkSecretReferences(deps.secrets, one, projectId);
    },

    /**
     * The store has the last word on whether the load balancer may be changed; its refusal is reported in Octavia's words.
     * @param options.aboutItself the load balancer, and not what is in it, is changed.
     * @param options.quota of a change that makes something: see `demandQuota`.
     */
    async apply(
      planned: PlannedChange,
      { aboutItself = false, quota = null }: { aboutItself?: boolean; quota?: ChangeQuota | null } = {},
    ): Promise<void> {
      try {
        await store.apply({ ...planned, quota });
      } catch (error) {
        if (!(error instanceof KilnError)) throw error;
        if (error.code === 'QUOTA_MET') throw quotaMet(kindTitle[error.details.kind as Kind]);
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

    async answer(kind: Kind, id: string): Promise<Record<string, unknown>> {
      const found = await store.get(kind, id);
      if (!found) throw notFound(kindTitle[kind], id);
      const appearance = representations[kind] as { one: string; toWire(row: unknown, related: unknown): unknown };
      return { [appearance.one]: appearance.toWire(found, found.related) };
    },
  };
}

/**
 * A body that the validator has read by this schema.
 * @param absent what to refuse one with that lacks its object.
 */
export function bodyOf<Schema extends TSchema>(
  request: FastifyRequest,
  _schema: Schema,
  absent = (key: string) => invalidField(key, 'None', 'Mandatory field missing.'),
): Static<Schema> {
  for (const [key, value] of Object.entries(request.body as object)) if (value === null) throw absent(key);
  return request.body as Static<Schema>;
}

/** The pool of this load balancer that a listener shall use. */
export function poolInTree(tree: LoadBalancerTree, poolId: string | null | undefined) {
  if (!poolId) return null;
  const pool = tree.pools.find(({ id }) => id === poolId);
  if (!pool) throw notFound(kindTitle.pool, poolId);
  return pool;
}
