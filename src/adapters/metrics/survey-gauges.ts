import { Gauge, type Registry } from 'prom-client';
import { answerInTime } from '../../lib/answer-in-time.ts';

/** A scrape's own limit is 10 s as a rule, and it has nothing at all when one figure comes later. */
export const DATABASE_LIMIT_MS = 3_000;

/** One figure of a survey. */
export interface SurveyFigure<Survey> {
  name: string;
  help: string;
  /** Null: there is nothing to tell, and the figure is absent. */
  of(survey: Survey): number | null;
}

/**
 * Figures read from the database when metrics are asked for: one look for all figures of one answer. Without the database, or
 * when it is silent, they are absent, and all others are there.
 */
export function surveyGauges<Survey>(
  registry: Registry,
  figures: readonly SurveyFigure<Survey>[],
  survey: () => Promise<Survey>,
): void {
  const look = answerInTime(survey, DATABASE_LIMIT_MS);
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
