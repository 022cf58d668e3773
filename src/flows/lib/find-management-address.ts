import { KilnError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ComputeService } from '../../ports/compute.ts';
import { retryableIsNull } from './tolerate.ts';
import { waitUntil } from './wait-until.ts';

/** Nova lists an interface a moment after the server is ACTIVE on some clouds. */
const PATIENCE = { totalMs: 30_000, firstPauseMs: 250, longestPauseMs: 2_000 };

/**
 * The address at which the agent is to be reached: on the first of the boot networks, or on the only interface where
 * none is configured.
 * @throws BOOT_FAILED when the server has no address there.
 */
export async function findManagementAddress(
  parts: { compute: ComputeService; clock: Clock },
  serverId: string,
  bootNetworkIds: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const [managementNetworkId] = bootNetworkIds;
  const address = await waitUntil(parts.clock, { ...PATIENCE, signal }, async () => {
    const interfaces = await retryableIsNull(parts.compute.listInterfaces(serverId, signal));
    const found = interfaces?.find((one) => !managementNetworkId || one.networkId === managementNetworkId);
    return found?.fixedIps[0]?.ipAddress ?? null;
  });
  if (address) return address;
  throw new KilnError(
    'BOOT_FAILED',
    `server ${serverId} has no address on the management network ${managementNetworkId ?? '(any)'}`,
    { details: { serverId, managementNetworkId }, advice: 'Check that this network has a subnet with free addresses.' },
  );
}
