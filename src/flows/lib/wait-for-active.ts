import type { Server } from '../../model/compute.ts';
import { KilnError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ComputeService } from '../../ports/compute.ts';
import { retryableIsNull } from './tolerate.ts';
import { waitUntil } from './wait-until.ts';

const FIRST_PAUSE_MS = 250;

/**
 * Waits until Nova has built the server.
 * @throws BOOT_FAILED with Nova's fault when it turns to ERROR or vanishes, BOOT_TIMEOUT when it takes too long.
 */
export async function waitForActive(
  parts: { compute: ComputeService; clock: Clock },
  serverId: string,
  limits: { activeWaitSeconds: number; activePauseSeconds: number },
  signal: AbortSignal | undefined,
  beforePause?: () => Promise<void>,
): Promise<Server> {
  const patience = {
    totalMs: limits.activeWaitSeconds * 1000,
    firstPauseMs: FIRST_PAUSE_MS,
    longestPauseMs: limits.activePauseSeconds * 1000,
    signal,
    beforePause,
  };
  const server = await waitUntil(parts.clock, patience, async () => {
    const seen = await lookAtServer(parts.compute, serverId, signal);
    return seen?.status === 'ACTIVE' ? seen : null;
  });
  if (server) return server;
  throw new KilnError(
    'BOOT_TIMEOUT',
    `server ${serverId} was not ACTIVE within ${limits.activeWaitSeconds} s (amp_active_retries × amp_active_wait_sec)`,
    { details: { serverId } },
  );
}

/**
 * One look at the server; null when Nova can't say just now.
 * @throws BOOT_FAILED when the server can no longer become, or is no longer, a working amphora.
 */
export async function lookAtServer(
  compute: ComputeService,
  serverId: string,
  signal: AbortSignal | undefined,
): Promise<Server | null> {
  const server = await retryableIsNull(compute.getServer(serverId, signal)).catch((error: unknown) => {
    if (error instanceof KilnError && error.code === 'SERVICE_NOT_FOUND') {
      throw new KilnError('BOOT_FAILED', `server ${serverId} was deleted while it was being built`, {
        details: { serverId, isGone: true },
        advice: 'Somebody or something else deletes servers of the service project. Find out who, then boot again.',
        cause: error,
      });
    }
    throw error;
  });
  if (server?.status === 'ERROR') {
    const fault = server.fault?.message ?? 'Nova gives no fault';
    throw new KilnError('BOOT_FAILED', `server ${serverId} went to ERROR: ${fault}`, {
      details: { serverId, fault: server.fault },
    });
  }
  if (server?.status === 'SHUTOFF' || server?.status === 'DELETED') {
    throw new KilnError('BOOT_FAILED', `server ${serverId} stopped by itself: its status is ${server.status}`, {
      details: { serverId, isGone: server.status === 'DELETED' },
      advice: `The image starts and ends at once; look at its console: openstack console log show ${serverId}.`,
    });
  }
  return server;
}
