import { Gauge, type Registry } from 'prom-client';

/** One figure of a survey. */
export interface SurveyFigure<Survey> {
  name: string;
  help: string;
  /** Null: there is nothing to tell, and the figure is absent. */
  of(survey: Survey): number | null;
}

/**
 * Figures read from the database when metrics are asked for: one look for all figures of one answer. Without the database they
 * are absent, and all others are there.
 */
export function surveyGauges<Survey>(
  registry: Registry,
  figures: readonly SurveyFigure<Survey>[],
  survey: () => Promise<Survey>,
): void {
  let looking: Promise<Survey | null> | null = null;
  const look = () => {
    looking ??= survey()
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
