import type { Server } from '../../model/compute.ts';
import { KilnError, noneIfGone } from '../../model/errors.ts';
import type { StepRun } from '../engine/flow.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import { bootServer, type ServerCreated } from './create-server.ts';
import { removeServers } from './remove-servers.ts';
import type { AmphoraChoices } from './resolve-amphora.ts';
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
): Promise<Server> {
  if (!canBeForRoom(state, run, error)) throw error;
  // Whoever goes on from here must know that this step had begun: the server that is on record may be gone.
  await run.beforeWaiting();
  if (await removeReplacedThatIsOff(deps, state, run)) {
    try {
      return await bootAgain(deps, state, run);
    } catch (again) {
      if (!isFull(again)) throw again;
    }
  }
  const { amphoraId, serverGroupId } = state;
  const message = `Nova has no host left for amphora ${amphoraId} apart from those in its server group (${error.message}): it is booted wherever there is room`;
  deps.log.warn({ amphora: amphoraId, serverGroup: serverGroupId }, message);
  run.note(message);
  return await bootAgain(deps, { ...state, serverGroupId: null }, run);
}

const isFailedBoot = (error: unknown): error is KilnError => error instanceof KilnError && error.code === 'BOOT_FAILED';
const isFull = (error: unknown) => isFailedBoot(error) && /no valid host/i.test(error.message);

function canBeForRoom({ serverGroupId = null }: Booting, run: StepRun, error: unknown): error is KilnError {
  // Somebody may have been killed right here: then the server is another one, or gone.
  return serverGroupId !== null && (isFull(error) || (run.resumed && isFailedBoot(error)));
}

/**
 * Of a pair alone: the amphora that has the role which is being built anew. Off is what Nova says is SHUTOFF; in ERROR a server may well run.
 * @returns whether there may be room in the group that was not there before.
 */
async function removeReplacedThatIsOff(
  deps: LoadBalancerDeps,
  { loadBalancerId, amphoraId, role }: Booting,
  run: StepRun,
): Promise<boolean> {
  if (role === undefined || loadBalancerId === null) return false;
  let hasGone = false;
  for (const amphora of await deps.amphorae.list({ loadBalancerId })) {
    const { id, computeId } = amphora;
    if (amphora.role !== role || id === amphoraId || computeId === null) continue;
    const server = await deps.compute.getServer(computeId).catch(noneIfGone);
    if (server !== null && server.status !== 'SHUTOFF' && server.status !== 'DELETED') continue;
    if (server !== null) {
      run.note(
        `Nova has no host left in the server group; the server of amphora ${id}, which is off and is being replaced, gives its host up`,
      );
      await removeServers(deps, amphora, 0);
    }
    hasGone = true;
  }
  return hasGone;
}

async function bootAgain(deps: LoadBalancerDeps, state: Booting, run: StepRun): Promise<Server> {
  await removeServers(deps, { serverName: state.serverName, computeId: state.serverId }, 0);
  const { id } = await bootServer(deps, state, run, false);
  await deps.amphorae.update(state.amphoraId, { computeId: id });
  return await waitForActive(deps, id, deps.settings(), undefined);
}
