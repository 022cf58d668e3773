import { answerInTime } from '../lib/answer-in-time.ts';
import type { OwnCertificate } from '../model/certificate.ts';
import type { ServeProcess, ServeStatus } from '../model/control.ts';
import type { SilenceSurvey } from '../model/silence.ts';
import type { ImageResolver } from '../ports/image-resolver.ts';

/** Less than a client of the control socket waits. */
const DATABASE_LIMIT_MS = 2_000;

/** @returns what the process says of itself; what the database has not answered in time, or refused to, is null. */
export function serveStatus(deps: {
  self: ServeProcess;
  startedAt: string;
  configuration(): ServeStatus['configuration'];
  resolver: Pick<ImageResolver, 'status'>;
  countAmphorae(): Promise<Readonly<Record<string, number>>>;
  silence(): Promise<SilenceSurvey>;
  certificates(): Promise<readonly OwnCertificate[]>;
}): () => Promise<ServeStatus> {
  const countAmphorae = answerInTime(deps.countAmphorae, DATABASE_LIMIT_MS);
  const surveySilence = answerInTime(deps.silence, DATABASE_LIMIT_MS);
  return async () => {
    const [byStatus, silence, certificates] = await Promise.all([
      countAmphorae(),
      surveySilence(),
      deps.certificates(),
    ]);
    const total = Object.values(byStatus ?? {}).reduce((sum, count) => sum + count, 0);
    return {
      ...deps.self,
      startedAt: deps.startedAt,
      configuration: deps.configuration(),
      amphorae: byStatus && { total, byStatus },
      silence,
      certificates,
      imageChoices: deps.resolver.status(),
    };
  };
}
