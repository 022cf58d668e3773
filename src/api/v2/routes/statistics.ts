import type { FastifyInstance } from 'fastify';
import { trafficIntervals } from '../../../core/health/traffic-intervals.ts';
import { invalidField, notFound } from '../../../core/lbaas/api-errors.ts';
import { kindTitle } from '../../../core/lbaas/resource-names.ts';
import { type TrafficWindow, trafficWindowMs, trafficWindows } from '../../../model/traffic.ts';
import { authorize } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { freshness } from '../schemas/query.ts';
import { statisticsAnswer, statisticsOverTimeAnswer, statisticsQuery } from '../schemas/statistics.ts';
import type { ReadsOf } from '../shared-reads.ts';
import { intervalToWire, statisticsToWire } from '../wire/statistics.ts';
import { queryOf, single } from './plain-query.ts';
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

/** The traffic of a load balancer over time: of Kiln, not of Octavia. */
export function statisticsOverTimeRoute(
  app: FastifyInstance,
  deps: Pick<ApiDeps, 'policy' | 'clock'> & { readsOf: ReadsOf },
): void {
  const { readsOf, policy, clock } = deps;
  const schema = {
    querystring: statisticsQuery,
    headers: freshness(),
    response: { 200: statisticsOverTimeAnswer },
  };
  app.get<ById>('/kiln/loadbalancers/:id/statistics', { schema }, async (request) => {
    const { id } = request.params;
    const { store, trafficSamples } = readsOf(request);
    const found = await store.get('loadbalancer', id);
    if (!found) throw notFound(kindTitle.loadbalancer, id);
    authorize(policy, 'loadbalancer:get_stats', callerOf(request), found.projectId);
    const query = queryOf(request, statisticsQuery);
    const window = windowOf(single(query, 'window'));
    const listenerId = single(query, 'listener_id');
    const { stepMs, spanMs } = trafficWindowMs[window];
    const nowMs = clock.now().getTime();
    const fromMs = nowMs - spanMs;
    // Since a full step, so that all who ask within one ask the same.
    const samples = await trafficSamples.list(id, window, Math.floor(fromMs / stepMs) * stepMs);
    const wanted = listenerId === null ? samples : samples.filter((sample) => sample.listenerId === listenerId);
    const intervals = trafficIntervals(wanted).filter(({ atMs }) => atMs >= fromMs);
    return {
      statistics: {
        window,
        step_seconds: stepMs / 1000,
        from: new Date(fromMs).toISOString(),
        to: new Date(nowMs).toISOString(),
        listener_id: listenerId,
        intervals: intervals.map(intervalToWire),
      },
    };
  });
}

function windowOf(asked: string | null): TrafficWindow {
  const window = trafficWindows.find((one) => one === (asked ?? 'hour'));
  if (!window) throw invalidField('window', asked ?? '', `Allowed is ${trafficWindows.join(' or ')}.`);
  return window;
}
