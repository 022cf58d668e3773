import { fastify } from 'fastify';
import type { MetricType } from 'prom-client';
import { certificateMetrics } from '../../src/adapters/metrics/certificates.ts';
import { fleetMetrics } from '../../src/adapters/metrics/fleet.ts';
import { heartbeatMetrics } from '../../src/adapters/metrics/heartbeats.ts';
import { endedOperationMetrics } from '../../src/adapters/metrics/operations.ts';
import { ownCertificateMetrics } from '../../src/adapters/metrics/own-certificates.ts';
import { createMetrics } from '../../src/adapters/metrics/registry.ts';
import { releaseFailureMetric, releaseMetrics } from '../../src/adapters/metrics/releases.ts';
import { silenceMetrics } from '../../src/adapters/metrics/silence.ts';
import { stateMetrics } from '../../src/adapters/metrics/state.ts';
import { metricsRoute } from '../../src/api/v2/metrics.ts';

/** What prom-client keeps of a metric, beside what its types tell. */
interface Metric {
  name: string;
  help: string;
  type: MetricType;
  labelNames: readonly string[];
}

const introduction = `# Metrics

Made from the code by \`npm run docs:generate\`. Don't edit.

\`GET /metrics\` on the API's address, in Prometheus' text format, without a token: keep it from the public. Each process of \`kiln serve\`
answers it on \`[kiln] health_check_port\` as well: those of heartbeats come from the processes with the role health-manager,
\`kiln_operations_ended…\` from those with the role worker, \`kiln_release_failures_total\` from those with the role housekeeping.
A label \`route\` is a pattern (\`/v2/loadbalancers/:id\`), never an ID.
`;

/** docs/generated/metrics.md. */
export function renderMetrics(): string {
  const registry = createMetrics();
  metricsRoute(fastify(), registry);
  silenceMetrics(registry, () => Promise.reject(new Error('nothing is read here')));
  certificateMetrics(registry, () => Promise.reject(new Error('nothing is read here')));
  ownCertificateMetrics(
    registry,
    async () => [],
    () => new Date(0),
  );
  fleetMetrics(registry, () => Promise.reject(new Error('nothing is read here')), { monotonicMs: () => 0 });
  stateMetrics(registry, {
    survey: () => Promise.reject(new Error('nothing is read here')),
    jobs: async () => [],
    monotonicMs: () => 0,
  });
  endedOperationMetrics(registry, { now: () => new Date(0) });
  releaseMetrics(
    registry,
    async () => [],
    () => 0,
  );
  releaseFailureMetric(registry);
  heartbeatMetrics(registry, () => ({ packets: 0, recorded: 0, unknownAmphorae: 0, underPreviousKey: 0, dropped: {} }));
  const all = registry.getMetricsAsArray() as unknown as Metric[];
  const [ours, process] = [
    all.filter(({ name }) => name.startsWith('kiln_')),
    all.filter(({ name }) => !name.startsWith('kiln_')),
  ];
  return [introduction, '## Of Kiln', '', ...table(ours), '', '## Of the process', '', ...table(process), ''].join(
    '\n',
  );
}

function table(metrics: readonly Metric[]): string[] {
  return [
    '| Metric | Type | Labels | What it tells |',
    '| --- | --- | --- | --- |',
    ...metrics.map(
      ({ name, type, labelNames, help }) => `| \`${name}\` | ${type} | ${labelNames.join(', ') || '-'} | ${help} |`,
    ),
  ];
}
