import { Gauge, type Registry } from 'prom-client';

export interface CertificateSurvey {
  expired: number;
  failing: number;
  /** ISO 8601 UTC; null where there is no certificate. */
  nextEnd: string | null;
}

const figures: readonly { name: string; help: string; of(survey: CertificateSurvey): number | null }[] = [
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
  /** One look for all figures of one answer. */
  let looking: Promise<CertificateSurvey | null> | null = null;
  const look = () => {
    looking ??= survey()
      // Without the database these figures are absent, and the others are there.
      .catch(() => null)
      .finally(() => {
        looking = null;
      });
    return looking;
  };
  for (const { name, help, of } of figures) {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const found = await look();
        const value = found && of(found);
        if (value === null) this.remove();
        else this.set(value);
      },
    });
  }
}
