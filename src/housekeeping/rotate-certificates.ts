import { rotationFlow, rotationRetryAt } from '../core/amphora/certificate-rotation.ts';
import { stableId } from '../core/operations/stable-id.ts';
import { createReminder } from '../lib/reminder.ts';
import type { Operation } from '../model/operation.ts';
import type { CertificateRotations, RotationCandidate } from '../ports/certificate-rotations.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { HousekeepingJob } from './job.ts';
import { requestOperations } from './request-operations.ts';

export interface RotationSettings {
  /** [house_keeping] cert_interval. */
  intervalSeconds: number;
  /** [house_keeping] cert_expiry_buffer. */
  bufferSeconds: number;
  /** [house_keeping] cert_rotate_threads. */
  atOnce: number;
}

/** Named in the log in one run. */
const TROUBLED_LIMIT = 20;
/** One that goes on failing is named again. */
const NAMED_AGAIN_MS = 24 * 3_600_000;
/** Behind all that somebody waits for. */
const PRIORITY = -10;

/** Asks workers to renew the certificates of agents that end soon, so many at a time. */
export function rotateCertificatesJob(deps: {
  rotations: CertificateRotations;
  clock: Clock;
  log: Log;
  settings: () => RotationSettings;
  /** Announces a new operation to workers. */
  announce(operation: Pick<Operation, 'id' | 'priority'>): void;
}): HousekeepingJob {
  const { rotations, clock, log, settings, announce } = deps;

  function due(limit: number): Promise<RotationCandidate[]> {
    const now = clock.now();
    const endsBefore = new Date(now.getTime() + settings().bufferSeconds * 1000).toISOString();
    return rotations.due({ now: now.toISOString(), endsBefore }, limit);
  }

  async function request(candidate: RotationCandidate): Promise<boolean> {
    const { amphoraId, certExpiration, attempts } = candidate;
    const operation = {
      id: stableId(amphoraId, `${certExpiration} ${attempts}`),
      flow: rotationFlow,
      // Not the load balancer: its changes need not wait for an agent that does not answer.
      subject: amphoraId,
      input: { amphoraId },
      priority: PRIORITY,
    };
    const retryAt = rotationRetryAt(clock.now(), certExpiration, attempts);
    if (!(await rotations.request(candidate, operation, retryAt))) return false;
    announce(operation);
    return true;
  }

  /** A run a second, while there is more to do, says nothing twice. */
  const toBeNamed = createReminder(NAMED_AGAIN_MS);
  async function nameTroubled(): Promise<void> {
    const troubled = new Map(
      (await rotations.troubled(clock.now().toISOString(), TROUBLED_LIMIT)).map((one) => [
        `${one.amphoraId} ${one.certExpiration} ${one.attempts} ${one.reason?.code}`,
        one,
      ]),
    );
    for (const key of toBeNamed([...troubled.keys()], clock.monotonicMs()))
      log.error({ ...troubled.get(key) }, "the certificate of an amphora's agent has ended, or could not be renewed");
  }

  return {
    name: 'rotate-certificates',
    summary: 'Renew the certificates of agents before they end',
    intervalSeconds: () => settings().intervalSeconds,
    async run(run) {
      if (!run.dryRun) await nameTroubled();
      return await requestOperations(run, {
        due,
        countRunning: () => rotations.countRunning(rotationFlow),
        atOnce: settings().atOnce,
        request,
        lineOf: ({ amphoraId, certExpiration }) => `amphora ${amphoraId}, ends ${certExpiration}`,
      });
    },
  };
}
