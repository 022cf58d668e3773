import type { Registry } from 'prom-client';
import type { Job } from '../../model/housekeeping.ts';
import type { StateSurvey } from '../../model/state-survey.ts';
import { type LabelledFigure, labelledGauges } from './labelled-gauges.ts';

const stateFigures: readonly LabelledFigure<StateSurvey>[] = [
  {
    name: 'kiln_operations',
    help: 'Operations that have not ended, by flow and status; cause is silence for those that follow from silent amphorae.',
    labels: ['flow', 'status', 'cause'],
    of: ({ operations }) =>
      operations.map(({ flow, status, cause, count }) => ({ labels: { flow, status, cause }, value: count })),
  },
  {
    name: 'kiln_amphorae',
    help: 'Amphorae by status and Glance image.',
    labels: ['status', 'image'],
    of: ({ amphorae }) =>
      amphorae.map(({ status, imageId, count }) => ({ labels: { status, image: imageId }, value: count })),
  },
  {
    name: 'kiln_load_balancers',
    help: 'Load balancers by provisioning and operating status.',
    labels: ['provisioning_status', 'operating_status'],
    of: ({ loadBalancers }) =>
      loadBalancers.map(({ provisioningStatus, operatingStatus, count }) => ({
        labels: { provisioning_status: provisioningStatus, operating_status: operatingStatus },
        value: count,
      })),
  },
];

const secondsOf = (time: string) => Date.parse(time) / 1000;

const jobFigures: readonly LabelledFigure<readonly Job[]>[] = [
  {
    name: 'kiln_job_last_start_timestamp_seconds',
    help: 'When the job of housekeeping was begun last.',
    labels: ['job'],
    of: (jobs) =>
      jobs.flatMap(({ name, startedAt }) =>
        startedAt ? [{ labels: { job: name }, value: secondsOf(startedAt) }] : [],
      ),
  },
  {
    name: 'kiln_job_last_success_timestamp_seconds',
    help: 'When it succeeded last.',
    labels: ['job'],
    of: (jobs) =>
      jobs.flatMap(({ name, succeededAt }) =>
        succeededAt ? [{ labels: { job: name }, value: secondsOf(succeededAt) }] : [],
      ),
  },
  {
    name: 'kiln_job_last_duration_seconds',
    help: 'How long its last run took; absent while it runs.',
    labels: ['job'],
    of: (jobs) =>
      jobs.flatMap(({ name, holder, startedAt, endedAt }) =>
        holder === null && startedAt && endedAt
          ? [{ labels: { job: name }, value: Math.max(0, secondsOf(endedAt) - secondsOf(startedAt)) }]
          : [],
      ),
  },
  {
    name: 'kiln_job_failing',
    help: '1 where the last run failed, else 0.',
    labels: ['job'],
    of: (jobs) => jobs.map(({ name, failure }) => ({ labels: { job: name }, value: failure ? 1 : 0 })),
  },
  {
    name: 'kiln_job_last_count',
    help: 'What the last run that succeeded counted, by kind (orphans, removed, requested …).',
    labels: ['job', 'what'],
    of: (jobs) =>
      jobs.flatMap(({ name, result }) =>
        Object.entries(result ?? {}).map(([what, value]) => ({ labels: { job: name, what }, value })),
      ),
  },
];

/** Operations, amphorae, load balancers and jobs, from the database. */
export function stateMetrics(
  registry: Registry,
  deps: { survey(): Promise<StateSurvey>; jobs(): Promise<readonly Job[]>; monotonicMs(): number },
): void {
  labelledGauges(registry, stateFigures, deps.survey, deps.monotonicMs);
  labelledGauges(registry, jobFigures, deps.jobs, deps.monotonicMs);
}
