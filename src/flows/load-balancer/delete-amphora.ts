import { defineFlow, type Step } from '../engine/flow.ts';
import { removeAmphora } from '../steps/remove-amphorae.ts';
import type { LoadBalancerParts } from './parts.ts';

type Input = { amphoraId: string };

const removeOne: Step<LoadBalancerParts, Input, Record<string, never>> = {
  name: 'delete-amphora',
  async do(parts, { amphoraId }) {
    const amphora = await parts.amphorae.get(amphoraId);
    if (amphora && amphora.status !== 'DELETED') await removeAmphora(parts, amphora);
    return {};
  },
  /** What could not be deleted can be deleted again. */
  async undo(parts, { amphoraId }) {
    const amphora = await parts.amphorae.get(amphoraId);
    if (amphora?.status === 'PENDING_DELETE') await parts.amphorae.update(amphoraId, { status: 'ERROR' });
  },
};

/** `DELETE /v2/octavia/amphorae/{id}`: one that serves nobody goes, with all that it has in Nova and Neutron. */
export const deleteAmphora = defineFlow<LoadBalancerParts, Input>('delete-amphora').step(removeOne).build();
