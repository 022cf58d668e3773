import { KilnError } from '../model/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';

export interface HealthCheckSettings {
  /** `[api_settings] healthcheck_refresh_interval`: for so long an answer is good. */
  refreshSeconds: number;
  /** A database that has not answered by then counts as one that is away. */
  limitSeconds: number;
}

/** Octavia's words. */
const unavailable = ['The Octavia database is unavailable.'];

/**
 * Whether the database answers. However many ask at once or one after another, it is asked once at a time, and not again
 * while its latest answer is good. Who asks reads no more than that it is away; the log has why.
 * @param ask one cheap statement.
 * @returns what is wrong; nothing when all is well. Never rejects.
 */
export function createHealthCheck(
  ask: () => Promise<unknown>,
  settings: HealthCheckSettings,
  { clock, log }: { clock: Clock; log: Pick<Log, 'error'> },
): () => Promise<readonly string[]> {
  let answer: readonly string[] = [];
  let goodUntilMs = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | null = null;

  async function renew(): Promise<void> {
    const limit = new AbortController();
    const question = Promise.resolve().then(ask);
    try {
      const tooLate = clock.sleep(settings.limitSeconds * 1000, limit.signal).then(() => {
        throw new KilnError('STATE_UNUSABLE', `the database has not answered in ${settings.limitSeconds} s`);
      });
      await Promise.race([question, tooLate]);
      answer = [];
    } catch (err) {
      log.error({ err }, 'the health check failed');
      answer = unavailable;
    } finally {
      limit.abort();
    }
    goodUntilMs = clock.monotonicMs() + settings.refreshSeconds * 1000;
    // What it may still say, it says to nobody; until then it is not asked again.
    void question
      .catch(() => {})
      .then(() => {
        running = null;
      });
  }

  return async () => {
    if (clock.monotonicMs() < goodUntilMs) return answer;
    running ??= renew();
    await running;
    return answer;
  };
}
