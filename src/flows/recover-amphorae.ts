import type { Amphora } from '../model/amphora.ts';
import { KilnError } from '../model/errors.ts';
import { deleteAmphora } from './delete-amphora.ts';
import type { AmphoraDeps } from './deps.ts';
import { removeServers } from './steps/remove-servers.ts';
import { undoBoot } from './undo-boot.ts';

/**
 * Takes up what dead processes left: a boot that was under way is undone, an undoing or a deletion is finished.
 * Work of living processes is left alone, and so are amphorae of load balancers: their operations have a journal. Safe to run at any time and by several at once. Waits for nobody but Nova: what
 * can't be finished now is taken up again the next time.
 * @returns how many records were taken up.
 */
export async function recoverAmphorae(deps: AmphoraDeps): Promise<number> {
  const abandoned = (await deps.store.listUnderWay()).filter((amphora) => isAbandoned(deps, amphora));
  for (const amphora of abandoned) {
    deps.log.warn(
      { amphora: amphora.id, status: amphora.status },
      `taking up an amphora that a dead process left: ${amphora.id}`,
    );
    await takeUp(deps, amphora).catch((err: unknown) => {
      deps.log.warn(
        { amphora: amphora.id, err },
        `could not take up amphora ${amphora.id} now; it will be tried again`,
      );
    });
  }
  return abandoned.length;
}

function isAbandoned(deps: AmphoraDeps, amphora: Amphora): boolean {
  return amphora.worker === null || !deps.worker.isAlive(amphora.worker);
}

async function takeUp(deps: AmphoraDeps, amphora: Amphora): Promise<void> {
  if (amphora.status === 'PENDING_DELETE' && amphora.reason === null) {
    await deleteAmphora(deps, amphora.id);
    return;
  }
  const reason = amphora.reason as (typeof amphora.reason & { code: KilnError['code'] }) | null;
  const error = reason ? new KilnError(reason.code, reason.message, { advice: reason.advice }) : interrupted();
  if (mayComeLate(deps, amphora)) {
    // What is there is deleted now; the record stays as it is, and the next look deletes what came after this one.
    await removeServers(deps, amphora, 0);
    return;
  }
  await undoBoot(deps, amphora, error, 0);
}

/** Nova's answer was never had, and not long ago: the request may still be on its way to becoming a server. */
function mayComeLate({ clock, settings }: AmphoraDeps, amphora: Amphora): boolean {
  if (amphora.computeId !== null || amphora.imageId === null) return false;
  const ageSeconds = (clock.now().getTime() - Date.parse(amphora.updatedAt)) / 1000;
  return ageSeconds < settings().createLookupSeconds;
}

function interrupted(): KilnError {
  const message = 'the process that booted this amphora died on the way; its server was deleted';
  return new KilnError('BOOT_FAILED', message, { advice: 'Boot again.' });
}
