import { defineFlow, type Step } from '../engine/flow.ts';
import { removeAmphora } from '../steps/remove-amphorae.ts';
import type { LoadBalancerDeps } from './deps.ts';

type Input = { amphoraId: string };

const deleteAmphoraStep: Step<LoadBalancerDeps, Input, Record<string, never>> = {
  name: 'delete-amphora',
  async do(deps, { amphoraId }) {
    const amphora = await deps.amphorae.get(amphoraId);
    if (amphora && amphora.status !== 'DELETED') await removeAmphora(deps, amphora);
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
