import type { FastifyInstance } from 'fastify';
import { notFound } from '../../../core/api/refusals.ts';
import { kindTitle } from '../../../core/api/resource-names.ts';
import { demand } from '../access.ts';
import type { ApiParts } from '../parts.ts';
import { statisticsAnswer } from '../schemas/statistics.ts';
import { statisticsToWire } from '../wire/statistics.ts';
import { callerOf } from './reads.ts';
import type { ById } from './write-tools.ts';

/** The traffic of load balancers and listeners. */
export function statisticsRoutes(app: FastifyInstance, parts: ApiParts): void {
  const { store, healthStore, policy } = parts;
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
      demand(policy, `${kind}:get_stats`, callerOf(request), found.projectId);
      return { stats: statisticsToWire(await read(id)) };
    });
  }
}
