import type { Amphora } from '../model/amphora.ts';
import type { KilnError } from '../model/errors.ts';
import type { AmphoraDeps } from './deps.ts';
import { removeServers } from './steps/remove-servers.ts';

/**
 * Takes back a boot that failed: the reason is recorded first, then the servers are deleted, then the amphora is ERROR.
 * When the servers can't be deleted now, the amphora stays PENDING_DELETE, from where `recoverAmphorae` goes on.
 * Never throws: the caller has an error of its own to tell.
 */
export async function undoBoot(
  deps: Pick<AmphoraDeps, 'store' | 'compute' | 'clock' | 'log' | 'worker'>,
  amphora: Amphora,
  error: KilnError,
  lateSeconds: number,
): Promise<void> {
  const { code, message, advice } = error;
  try {
    await deps.store.update(amphora.id, {
      status: 'PENDING_DELETE',
      worker: deps.worker.self,
      reason: { code, message, advice },
    });
    // Until an image was chosen Nova was asked for nothing, and need not be up for us to be done.
    if (amphora.imageId !== null) await removeServers(deps, amphora, lateSeconds);
    await deps.store.update(amphora.id, { status: 'ERROR', worker: null });
  } catch (obstacle) {
    deps.log.warn(
      { amphora: amphora.id, err: obstacle },
      `could not delete the server of amphora ${amphora.id} now; it will be tried again`,
    );
    await deps.store.update(amphora.id, { worker: null }).catch((err: unknown) => {
      deps.log.error({ amphora: amphora.id, err }, 'could not record that the undoing is still owed');
    });
  }
}
