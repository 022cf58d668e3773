import type { Amphora } from '../model/amphora.ts';
import { KilnError } from '../model/errors.ts';
import type { AmphoraDeps } from './deps.ts';
import { removeServers } from './steps/remove-servers.ts';

/**
 * Deletes all servers of the amphora and marks it DELETED. Idempotent; a server that is gone already is success.
 * When Nova fails, the amphora stays PENDING_DELETE and `recoverAmphorae` goes on with it.
 * @throws AMPHORA_NOT_FOUND when Kiln never knew it.
 */
export async function deleteAmphora(
  deps: Pick<AmphoraDeps, 'store' | 'compute' | 'clock' | 'log' | 'worker'>,
  amphoraId: string,
): Promise<Amphora> {
  const { store, worker, log } = deps;
  const amphora = await store.get(amphoraId);
  if (!amphora) throw new KilnError('AMPHORA_NOT_FOUND', `there is no amphora ${amphoraId}`);
  if (amphora.status === 'DELETED') return amphora;
  const { loadBalancerId, status } = amphora;
  // In ERROR it serves nobody; whatever builds or serves is its load balancer's, as in Octavia's API.
  if (loadBalancerId !== null && status !== 'ERROR') {
    throw new KilnError(
      'RESOURCE_CONFLICT',
      `amphora ${amphoraId} is ${status} and belongs to load balancer ${loadBalancerId}`,
      {
        advice: 'Delete the load balancer, or fail it over: `openstack loadbalancer failover ID` replaces the amphora.',
      },
    );
  }

  // The reason of an ERROR is dropped: it belongs to the boot, and with it recovery would end in ERROR again.
  await store.update(amphoraId, { status: 'PENDING_DELETE', worker: worker.self, reason: null });
  try {
    await removeServers(deps, amphora, 0);
  } catch (error) {
    await store.update(amphoraId, { worker: null });
    throw error;
  }
  log.info({ amphora: amphoraId }, 'amphora deleted');
  return await store.update(amphoraId, { status: 'DELETED', worker: null });
}
