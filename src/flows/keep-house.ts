import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Purge } from '../ports/purge.ts';

export interface HousekeepingSettings {
  /** [house_keeping] cleanup_interval. */
  cleanupIntervalSeconds: number;
  /** [house_keeping] amphora_expiry_age. */
  amphoraExpirySeconds: number;
  /** [house_keeping] load_balancer_expiry_age. */
  operationExpirySeconds: number;
}

interface HousekeepingParts {
  purge: Purge;
  clock: Clock;
  log: Log;
  /** Asked for at each round. */
  settings: () => HousekeepingSettings;
}

/** Rows of one transaction: short enough that nobody waits for it. */
const BATCH = 100;
/** Between two batches, in which everybody else gets at the tables. */
const PAUSE_MS = 200;

/** Purges what has come of age, at each interval, until the signal is aborted. Never rejects. */
export async function keepHouse(parts: HousekeepingParts, signal: AbortSignal): Promise<void> {
  const { purge, clock, log, settings } = parts;
  while (!signal.aborted) {
    const { cleanupIntervalSeconds, amphoraExpirySeconds, operationExpirySeconds } = settings();
    const before = (seconds: number) => new Date(clock.now().getTime() - seconds * 1000).toISOString();
    try {
      const operations = await purgeAll(parts, signal, (limit) =>
        purge.operations(before(operationExpirySeconds), limit),
      );
      const amphorae = await purgeAll(parts, signal, (limit) => purge.amphorae(before(amphoraExpirySeconds), limit));
      if (operations + amphorae > 0) log.info({ operations, amphorae }, 'what ended long ago was purged');
    } catch (err) {
      log.warn({ err }, 'what ended long ago could not be purged now; it will be tried again');
    }
    await clock.sleep(cleanupIntervalSeconds * 1000, signal).catch(() => {});
  }
}

async function purgeAll(
  { clock }: HousekeepingParts,
  signal: AbortSignal,
  batch: (limit: number) => Promise<number>,
): Promise<number> {
  let purged = 0;
  while (!signal.aborted) {
    const count = await batch(BATCH);
    purged += count;
    if (count < BATCH) break;
    await clock.sleep(PAUSE_MS, signal).catch(() => {});
  }
  return purged;
}
