import type { Amphora } from '../../model/amphora.ts';
import type { Leftover } from '../../model/operation.ts';
import type { RecordsOf, Step } from '../engine/flow.ts';
import type { LoadBalancerParts } from '../load-balancer/parts.ts';
import { amphoraPortsOf, portsOfAmphora, vrrpPortName } from './amphora-ports.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';
import { removePort } from './remove-port.ts';
import { removeServers } from './remove-servers.ts';

/** Every amphora of the load balancer goes: ports, server, and what it told of itself. */
export const removeAllAmphorae: Step<LoadBalancerParts, LoadBalancerInput, Record<string, never>> = {
  name: 'delete-amphorae',
  async do(parts, { loadBalancerId }) {
    await removeAmphorae(parts, loadBalancerId, null);
    return {};
  },
  leaves: (records, { loadBalancerId }) => thingsOfOthers(records, { loadBalancerId, amphoraId: null }),
};

/** The amphorae that the new one has taken over from go. */
export const removeOldAmphorae: Step<
  LoadBalancerParts,
  LoadBalancerInput & { amphoraId: string },
  Record<string, never>
> = {
  name: 'delete-old-amphorae',
  async do(parts, { loadBalancerId, amphoraId }) {
    await removeAmphorae(parts, loadBalancerId, amphoraId);
    return {};
  },
  leaves: thingsOfOthers,
};

/**
 * The old amphorae let go of the VIP: their ports leave their servers and go, at once and in this order, so that what
 * answers is the new one alone. From here on there is no way back.
 */
export const moveVip: Step<LoadBalancerParts, LoadBalancerInput & { amphoraId: string }, Record<string, never>> = {
  name: 'unplug-vip-of-old-amphorae',
  async do(parts, { loadBalancerId, amphoraId }) {
    for (const amphora of await parts.amphorae.list({ loadBalancerId })) {
      const { id, vrrpPortId, computeId } = amphora;
      if (id === amphoraId || vrrpPortId === null || computeId === null) continue;
      await removePort(parts, vrrpPortId, computeId);
    }
    return {};
  },
  leaves: thingsOfOthers,
};

async function thingsOfOthers(
  { amphorae }: RecordsOf<LoadBalancerParts>,
  { loadBalancerId, amphoraId }: { loadBalancerId: string; amphoraId: string | null },
): Promise<Leftover[]> {
  const all = await amphorae.list({ loadBalancerId });
  return all.filter(({ id }) => id !== amphoraId).flatMap(thingsOf);
}

/** What an amphora has in the cloud, as far as it is on record. */
function thingsOf({ id, serverName, computeId, vrrpPortId }: Amphora): Leftover[] {
  const port: Leftover = { kind: 'port', id: vrrpPortId, name: vrrpPortName(id) };
  return [{ kind: 'server', id: computeId, name: serverName }, ...(vrrpPortId === null ? [] : [port])];
}

/** All but the one to be kept, and what is left of those that nobody has on record any more. */
async function removeAmphorae(parts: LoadBalancerParts, loadBalancerId: string, keptId: string | null): Promise<void> {
  const amphorae = await parts.amphorae.list({ loadBalancerId });
  for (const amphora of amphorae) if (amphora.id !== keptId) await removeAmphora(parts, amphora);
  for (const { amphoraId, port } of await amphoraPortsOf(parts, loadBalancerId)) {
    const onRecord = await parts.amphorae.get(amphoraId);
    if (amphoraId === keptId || (onRecord !== null && onRecord.loadBalancerId !== loadBalancerId)) continue;
    // Its server had the amphora's name, unless [nova] random_amphora_name_length says otherwise.
    const serverName = onRecord?.serverName ?? `amphora-${amphoraId}`;
    await removeServers(parts, { serverName, computeId: onRecord?.computeId ?? null }, 0);
    await removePort(parts, port.id);
  }
}

/**
 * Its server, its ports, and what it told of itself. What is gone already is gone. One that can't be removed now is in ERROR:
 * whoever gives it up leaves one that can be deleted.
 */
export async function removeAmphora(parts: LoadBalancerParts, amphora: Amphora): Promise<void> {
  try {
    await removeWhole(parts, amphora);
  } catch (error) {
    await parts.amphorae.update(amphora.id, { status: 'ERROR' }).catch((err: unknown) => {
      parts.log.warn({ amphora: amphora.id, err }, 'an amphora that can not be removed now could not be marked');
    });
    throw error;
  }
}

async function removeWhole(parts: LoadBalancerParts, amphora: Amphora): Promise<void> {
  const { id, loadBalancerId, computeId: serverId } = amphora;
  await parts.amphorae.update(id, { status: 'PENDING_DELETE' });
  const plugged = await portsOfAmphora(parts, { id, loadBalancerId, serverId });
  // The server goes first: what runs in it ends at once, and nothing holds its ports any more.
  await removeServers(parts, amphora, 0);
  for (const port of plugged) await parts.network.deletePort(port.id);
  await parts.health.forget(id);
  await parts.amphorae.update(id, { status: 'DELETED' });
}
