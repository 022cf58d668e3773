import { Gauge, type Registry } from 'prom-client';
import { answerInTime } from '../../lib/answer-in-time.ts';
import { DATABASE_LIMIT_MS } from './survey-gauges.ts';

/** One figure with labels: a value for each set of them. */
export interface LabelledFigure<Survey> {
  name: string;
  help: string;
  labels: readonly string[];
  of(survey: Survey): readonly { labels: Readonly<Record<string, string>>; value: number }[];
}

/** So long an answer of the database is shown: scrapes, however many there are, cost it no more. */
const KEPT_MS = 10_000;

/** Figures of one survey of the database, made when metrics are asked for. Without the database, or when it is silent, they are absent. */
export function labelledGauges<Survey>(
  registry: Registry,
  figures: readonly LabelledFigure<Survey>[],
  survey: () => Promise<Survey>,
  monotonicMs: () => number,
): void {
  const ask = answerInTime(survey, DATABASE_LIMIT_MS);
  let kept: { atMs: number; answer: Promise<Survey | null> } | null = null;
  const look = () => {
    if (!kept || monotonicMs() - kept.atMs >= KEPT_MS) {
      kept = { atMs: monotonicMs(), answer: ask() };
    }
    return kept.answer;
  };
  for (const { name, help, labels, of } of figures) {
    new Gauge({
      name,
      help,
      labelNames: [...labels],
      registers: [registry],
      async collect() {
        const found = await look();
        this.reset();
        for (const one of found ? of(found) : []) this.set({ ...one.labels }, one.value);
      },
    });
  }
}
