import type { Amphora } from '../../model/amphora.ts';
import type { Server } from '../../model/compute.ts';
import { KilnError, noneIfGone } from '../../model/errors.ts';
import type { StepRun } from '../engine/flow.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import { bootServer, type ServerCreated } from '../steps/create-server.ts';
import type { AmphoraChoices } from '../steps/resolve-amphora.ts';
import { removeServers } from './remove-servers.ts';
import { waitForActive } from './wait-for-active.ts';

type Booting = { loadBalancerId: string | null } & AmphoraChoices & ServerCreated;

/**
 * A group with hard anti-affinity has room for as many servers as there are hosts, and while one of a pair is replaced there
 * are three (of a probe that is tried again, two). Where Nova has no room, a server that is off, of the amphora to be replaced, gives its
 * host up; where there is none, or no room even so, the server is made without the group, as soft anti-affinity would have it.
 * docs/decisions/0063-room-in-a-group.md.
 * @throws the error, where it is about something else.
 */
export async function bootWhereThereIsRoom(
  deps: LoadBalancerDeps,
  state: Booting,
  run: StepRun,
  error: unknown,
  signal: AbortSignal,
): Promise<Server> {
  if (!canBeForRoom(state, run, error)) throw error;
  const { amphoraId, serverGroupId } = state;
  if (await freeHostOfReplaced(deps, state, run)) {
    try {
      const message = `amphora ${amphoraId} is booted in the server group again, where there is a host now`;
      return await bootAgain(deps, state, run, { message, signal });
    } catch (again) {
      // The host that is free now may be a bad one.
      if (!isFailedBoot(again) && !(again instanceof KilnError && again.code === 'BOOT_TIMEOUT')) throw again;
    }
  }
  const message = `Nova has no host left for amphora ${amphoraId} apart from those in its server group (${error.message}): it is booted wherever there is room`;
  deps.log.warn({ amphora: amphoraId, serverGroup: serverGroupId }, message);
  return await bootAgain(deps, { ...state, serverGroupId: null }, run, { message, signal });
}

const isFailedBoot = (error: unknown): error is KilnError => error instanceof KilnError && error.code === 'BOOT_FAILED';

function canBeForRoom({ serverGroupId = null }: Booting, run: StepRun, error: unknown): error is KilnError {
  if (serverGroupId === null || !isFailedBoot(error)) return false;
  // A try before this one may have ended right here, having removed its server.
  return /no valid host/i.test(error.message) || (run.again && error.details.isGone === true);
}

/**
 * Of a pair alone: of the amphora that has the role which is being built anew. Off is what Nova says is SHUTOFF; in ERROR a server may well run.
 * What Nova will not delete stays.
 * @returns whether there may be room in the group that was not there before.
 */
async function freeHostOfReplaced(
  deps: LoadBalancerDeps,
  { loadBalancerId, amphoraId, role }: Booting,
  run: StepRun,
): Promise<boolean> {
  if (role === undefined || loadBalancerId === null) return false;
  const replaced = (await deps.amphorae.list({ loadBalancerId })).filter(
    (one) => one.role === role && one.id !== amphoraId,
  );
  let isFreed = false;
  for (const amphora of replaced) isFreed = (await removeIfOff(deps, amphora, run)) || isFreed;
  return isFreed;
}

/** @returns whether it has no server any more. Then it is in ERROR: nobody asks for it at its address, which may be another's. */
async function removeIfOff(deps: LoadBalancerDeps, amphora: Amphora, run: StepRun): Promise<boolean> {
  const { id, computeId } = amphora;
  if (computeId === null) return false;
  const server = await orNothing(run, deps.compute.getServer(computeId).catch(noneIfGone));
  if (server === undefined || (server && server.status !== 'SHUTOFF' && server.status !== 'DELETED')) return false;
  const message = `Nova has no host left in the server group: the server of amphora ${id}, which is off and is being replaced, gives its host up`;
  run.note(message);
  // Written with the fence: whoever has lost the operation meanwhile goes no further.
  await run.beforeWaiting();
  await deps.amphorae.update(id, { status: 'ERROR' });
  return (
    (await orNothing(
      run,
      removeServers(deps, amphora, 0).then(() => true),
    )) ?? false
  );
}

/** Undefined where Nova does not do it, or can't say: then the boot goes on without. */
async function orNothing<Answer>(run: StepRun, asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof KilnError)) throw error;
    run.note(`no host becomes free: ${error.message}`);
    return undefined;
  }
}

/** @param options.message what is done, and why: for the journal. */
async function bootAgain(
  deps: LoadBalancerDeps,
  state: Booting,
  run: StepRun,
  { message, signal }: { message: string; signal: AbortSignal },
): Promise<Server> {
  const { amphoraId, serverName, serverId } = state;
  run.note(message);
  // Whoever goes on from here must know that this step had begun; and whoever has lost the operation removes nothing.
  await run.beforeWaiting();
  const settings = deps.settings();
  // What an earlier try asked for may yet come.
  await removeServers(deps, { serverName, computeId: serverId }, run.again ? settings.createLookupSeconds : 0);
  const { id } = await bootServer(deps, state, run, false);
  await deps.amphorae.update(amphoraId, { computeId: id });
  return await waitForActive(deps, id, settings, signal, run.beforeWaiting);
}
