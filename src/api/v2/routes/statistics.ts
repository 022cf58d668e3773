import type { FastifyInstance } from 'fastify';
import { notFound } from '../../../core/lbaas/api-errors.ts';
import { kindTitle } from '../../../core/lbaas/resource-names.ts';
import { authorize } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { statisticsAnswer } from '../schemas/statistics.ts';
import { statisticsToWire } from '../wire/statistics.ts';
import { callerOf } from './reads.ts';
import type { ById } from './write-tools.ts';

/** The traffic of load balancers and listeners. */
export function statisticsRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const { store, healthStore, policy } = deps;
  const sources = [
    ['loadbalancer', 'loadbalancers', (id: string) => healthStore.statisticsOfLoadBalancer(id)],
    ['listener', 'listeners', (id: string) => healthStore.statisticsOfListener(id)],
  ] as const;
  for (const [kind, path, read] of sources) {
    const schema = { response: { 200: statisticsAnswer } };
    app.get<ById>(`/${path}/:id/stats`, { schema }, async (request) => {
      const { id } = request.params;
      const found = await store.get(kind, id);
      if (!found) throw notFound(kindTitle[kind], id);
      authorize(policy, `${kind}:get_stats`, callerOf(request), found.projectId);
      return { stats: statisticsToWire(await read(id)) };
    });
  }
}
