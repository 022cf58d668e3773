import type { FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { invalidField, notFound } from '../../../core/lbaas/api-errors.ts';
import { kindTitle } from '../../../core/lbaas/resource-names.ts';
import type { LoadBalancerTree, ResourceKind } from '../../../model/load-balancer.ts';
import { createLoadBalancerChanges } from '../../../services/load-balancer-changes.ts';
import { userTokenOf } from '../../auth/authenticate.ts';
import { representations } from '../collections.ts';
import type { ApiDeps } from '../deps.ts';

export type ById = { Params: { id: string } };

export type WriteTools = ReturnType<typeof writeTools>;

export function writeTools(deps: ApiDeps) {
  const { store } = deps;
  const changes = createLoadBalancerChanges(deps);
  return {
    ...changes,
    changes,

    /** With the rights of whoever asks. */
    checkNetworkReferences: (body: object, request: FastifyRequest): Promise<void> =>
      changes.checkNetworkReferences(body, userTokenOf(request)),

    async answer(kind: ResourceKind, id: string): Promise<Record<string, unknown>> {
      const found = await store.get(kind, id);
      if (!found) throw notFound(kindTitle[kind], id);
      const representation = representations[kind] as { one: string; toWire(row: unknown, related: unknown): unknown };
      return { [representation.one]: representation.toWire(found, found.related) };
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
