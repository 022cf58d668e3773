import type { Amphora } from '../../model/amphora.ts';
import type { Leftover } from '../../model/operation.ts';
import type { RecordsOf, Step, StepRun } from '../engine/flow.ts';
import { amphoraPortsOf, portsOfAmphora, vrrpPortName } from '../lib/amphora-ports.ts';
import { type PairState, pairRoles } from '../lib/pair.ts';
import { removePort } from '../lib/remove-port.ts';
import { isStillDeleting, removeServers } from '../lib/remove-servers.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';

/** Every amphora of the load balancer goes: ports, server, and its health row. */
export const deleteAmphorae: Step<LoadBalancerDeps, LoadBalancerInput, Record<string, never>> = {
  name: 'delete-amphorae',
  async do(deps, { loadBalancerId }) {
    await removeAmphorae(deps, loadBalancerId, () => false);
    return {};
  },
  leaves: (records, { loadBalancerId }) => thingsOfOthers(records, { loadBalancerId, amphoraId: null }),
};

/**
 * The amphorae that the new one has taken over from go. One whose server Nova is deleting and does not get done with is left in
 * ERROR: it has no VIP any more, the new one serves, and whoever looks for silent amphorae deletes it once its server is gone.
 */
export const deleteOldAmphorae: Step<
  LoadBalancerDeps,
  LoadBalancerInput & { amphoraId: string },
  Record<string, never>
> = {
  name: 'delete-old-amphorae',
  async do(deps, { loadBalancerId, amphoraId }, run) {
    await removeAmphorae(deps, loadBalancerId, ({ id }) => id === amphoraId, run);
    return {};
  },
  leaves: thingsOfOthers,
};

/** Of a pair: whoever has the role of one that has just been built, and is not that one. */
export const deleteReplacedAmphorae: Step<
  LoadBalancerDeps,
  LoadBalancerInput & PairState<{ amphoraId: string }>,
  Record<string, never>
> = {
  name: 'delete-old-amphorae',
  async do(deps, { loadBalancerId, ...state }, run) {
    await removeAmphorae(deps, loadBalancerId, isKeptIn(state), run);
    return {};
  },
  async leaves({ amphorae }, { loadBalancerId, ...state }) {
    const isKept = isKeptIn(state);
    return (await amphorae.list({ loadBalancerId })).filter((one) => !isKept(one)).flatMap(thingsOf);
  },
};

const isKeptIn = (state: PairState<{ amphoraId: string }>) => {
  const ids = pairRoles.map((role) => state[role]?.amphoraId);
  return ({ id, role }: Amphora) => ids.includes(id) || pairRoles.some((one) => one === role && !state[one]);
};

/**
 * The old amphorae let go of the VIP: their ports leave their servers and go, at once and in this order, so that what
 * answers is the new one alone. From here on there is no way back.
 */
export const unplugVipOfOldAmphorae: Step<
  LoadBalancerDeps,
  LoadBalancerInput & { amphoraId: string },
  Record<string, never>
> = {
  name: 'unplug-vip-of-old-amphorae',
  async do(deps, { loadBalancerId, amphoraId }) {
    for (const amphora of await deps.amphorae.list({ loadBalancerId })) {
      const { id, vrrpPortId, computeId } = amphora;
      if (id === amphoraId || vrrpPortId === null || computeId === null) continue;
      await removePort(deps, vrrpPortId, computeId);
    }
    return {};
  },
  leaves: thingsOfOthers,
};

async function thingsOfOthers(
  { amphorae }: RecordsOf<LoadBalancerDeps>,
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

/**
 * All but those to be kept, and what is left of those that nobody has on record any more.
 * @param mayStay given where an amphora whose server Nova does not get done with may stay for now: noted there.
 */
export async function removeAmphorae(
  deps: LoadBalancerDeps,
  loadBalancerId: string,
  isKept: (amphora: Amphora) => boolean,
  mayStay?: Pick<StepRun, 'note'>,
): Promise<void> {
  const amphorae = await deps.amphorae.list({ loadBalancerId });
  const kept = new Set(amphorae.filter(isKept).map(({ id }) => id));
  for (const amphora of amphorae.filter(({ id }) => !kept.has(id))) {
    try {
      await removeAmphora(deps, amphora);
    } catch (error) {
      if (!mayStay || !isStillDeleting(error)) throw error;
      mayStay.note(`amphora ${amphora.id} is replaced, and left in ERROR for now: ${error.message}`);
      kept.add(amphora.id);
    }
  }
  for (const { amphoraId, port } of await amphoraPortsOf(deps, loadBalancerId)) {
    const onRecord = await deps.amphorae.get(amphoraId);
    if (kept.has(amphoraId) || (onRecord !== null && onRecord.loadBalancerId !== loadBalancerId)) continue;
    // Its server had the amphora's name, unless [nova] random_amphora_name_length says otherwise.
    const serverName = onRecord?.serverName ?? `amphora-${amphoraId}`;
    await removeServers(deps, { serverName, computeId: onRecord?.computeId ?? null }, 0);
    await removePort(deps, port.id);
  }
}

/**
 * Its server, its ports, and its health row. What is gone already is gone. One that can't be removed now is in ERROR:
 * whoever gives it up leaves one that can be deleted.
 */
export async function removeAmphora(deps: LoadBalancerDeps, amphora: Amphora): Promise<void> {
  try {
    await removeWhole(deps, amphora);
  } catch (error) {
    await deps.amphorae.update(amphora.id, { status: 'ERROR' }).catch((err: unknown) => {
      deps.log.warn({ amphora: amphora.id, err }, 'an amphora that can not be removed now could not be marked');
    });
    throw error;
  }
}

async function removeWhole(deps: LoadBalancerDeps, amphora: Amphora): Promise<void> {
  const { id, loadBalancerId, computeId: serverId } = amphora;
  await deps.amphorae.update(id, { status: 'PENDING_DELETE' });
  // One that serves nobody has but the ports that Nova made: they go with the server.
  const plugged = loadBalancerId === null ? [] : await portsOfAmphora(deps, { id, loadBalancerId, serverId });
  // The server goes first: what runs in it ends at once, and nothing holds its ports any more.
  await removeServers(deps, amphora, 0);
  for (const port of plugged) await deps.network.deletePort(port.id);
  await deps.health.forget(id);
  await deps.amphorae.update(id, { status: 'DELETED' });
}
