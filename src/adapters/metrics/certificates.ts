import type { Registry } from 'prom-client';
import { type SurveyFigure, surveyGauges } from './survey-gauges.ts';

export interface CertificateSurvey {
  expired: number;
  failing: number;
  /** ISO 8601 UTC; null where there is no certificate. */
  nextEnd: string | null;
}

const figures: readonly SurveyFigure<CertificateSurvey>[] = [
  {
    name: 'kiln_agent_certificates_expired',
    help: 'Amphorae whose agents have certificates that have ended.',
    of: ({ expired }) => expired,
  },
  {
    name: 'kiln_agent_certificate_renewals_failing',
    help: 'Amphorae whose last renewal of the certificate failed; it is tried again.',
    of: ({ failing }) => failing,
  },
  {
    name: 'kiln_agent_certificates_next_end_timestamp_seconds',
    help: 'When the first certificate of an agent ends.',
    of: ({ nextEnd }) => (nextEnd === null ? null : Date.parse(nextEnd) / 1000),
  },
];

/** Figures of agents' certificates, read from the database when metrics are asked for. */
export function certificateMetrics(registry: Registry, survey: () => Promise<CertificateSurvey>): void {
  surveyGauges(registry, figures, survey);
}
