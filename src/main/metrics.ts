import type { Registry } from 'prom-client';
import { certificateMetrics } from '../adapters/metrics/certificates.ts';
import { ownCertificateMetrics } from '../adapters/metrics/own-certificates.ts';
import { createMetrics } from '../adapters/metrics/registry.ts';
import { releaseMetrics } from '../adapters/metrics/releases.ts';
import { silenceMetrics } from '../adapters/metrics/silence.ts';
import { stateMetrics } from '../adapters/metrics/state.ts';
import { createCertificateRotations } from '../adapters/storage/certificate-rotations.ts';
import { createJobStore } from '../adapters/storage/job-store.ts';
import { createStateSurvey } from '../adapters/storage/state-survey.ts';
import { readOwnCertificates } from './own-certificates.ts';
import { silenceView } from './silence-view.ts';
import type { State } from './state.ts';
import type { RuntimeContext } from './wire.ts';

/** Figures of this process, and those that the database has for all of them. */
export function wireMetrics(
  state: Pick<State, 'database' | 'silences' | 'releases'>,
  { clock, current }: Omit<RuntimeContext, 'log'>,
): Registry {
  const { database } = state;
  const metrics = createMetrics();
  const rotations = createCertificateRotations(database, clock);
  certificateMetrics(metrics, () => rotations.survey(clock.now().toISOString()));
  ownCertificateMetrics(
    metrics,
    () => readOwnCertificates(current()),
    () => clock.now(),
  );
  silenceMetrics(metrics, silenceView(state, { clock, current }).survey);
  stateMetrics(metrics, {
    survey: createStateSurvey(database, clock),
    jobs: createJobStore(database, clock).list,
    monotonicMs: () => clock.monotonicMs(),
  });
  releaseMetrics(
    metrics,
    () => state.releases.active(),
    () => clock.monotonicMs(),
  );
  return metrics;
}
