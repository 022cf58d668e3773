import { KilnError } from '../../model/errors.ts';
import { defineFlow, type Step } from '../engine/flow.ts';
import { isStillDeleting } from '../lib/remove-servers.ts';
import { removeAmphora } from '../steps/remove-amphorae.ts';
import type { LoadBalancerDeps } from './deps.ts';

type Input = { amphoraId: string };

const deleteAmphoraStep: Step<LoadBalancerDeps, Input, Record<string, never>> = {
  name: 'delete-amphora',
  async do(deps, { amphoraId }) {
    const amphora = await deps.amphorae.get(amphoraId);
    if (!amphora || amphora.status === 'DELETED') return {};
    await removeAmphora(deps, amphora).catch((error: unknown) => {
      // It has been waited for: what else is to be done with the load balancer is not to wait any longer.
      if (!isStillDeleting(error)) throw error;
      throw new KilnError(error.code, error.message, { advice: error.advice, retryable: false, cause: error });
    });
    return {};
  },
  /** What could not be deleted can be deleted again. */
  async undo(deps, { amphoraId }) {
    const amphora = await deps.amphorae.get(amphoraId);
    if (amphora?.status === 'PENDING_DELETE') await deps.amphorae.update(amphoraId, { status: 'ERROR' });
  },
};

/** `DELETE /v2/octavia/amphorae/{id}`: one that serves nobody goes, with all that it has in Nova and Neutron. */
export const deleteAmphora = defineFlow('delete-amphora')
  .takes<LoadBalancerDeps, Input>()
  .step(deleteAmphoraStep)
  .build();
