import { newAmphora } from '../../core/amphora/new-amphora.ts';
import { KilnError } from '../../model/errors.ts';
import type { Step } from '../engine/flow.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { AmphoraChoices } from './resolve-amphora.ts';

/** `loadBalancerId`: null for one that serves nobody. Its row is there from the moment on at which it was asked for. */
type RecordInput = { loadBalancerId: string | null } & AmphoraChoices;

/** The amphora, its server's name and its image are on record before Nova is asked for anything. */
export const markAmphoraBooting: Step<LoadBalancerDeps, RecordInput, Record<string, never>> = {
  name: 'mark-amphora-booting',
  isRepeatable: true,
  async do(deps, state, run) {
    const { loadBalancerId, amphoraId, serverName, imageId, imageChoice, computeFlavorId, role, timings = {} } = state;
    // Of a load balancer's, its row goes on record with the end of this step, before the next one begins.
    const mayBeThere = loadBalancerId === null || run.resumed;
    const found = mayBeThere ? await deps.amphorae.get(amphoraId) : null;
    if (found?.imageId === null) await deps.amphorae.update(amphoraId, { imageId, imageChoice, timings });
    if (found) return {};
    const chosen = { imageId, imageChoice, computeFlavor: computeFlavorId, timings };
    const row = { id: amphoraId, loadBalancerId, role: role ?? 'STANDALONE', serverName, ...chosen } as const;
    run.amend({ insert: newAmphora(row, deps.clock.now().toISOString()) });
    return {};
  },
  /**
   * One of which something is left stays on record: whoever deletes it, or the load balancer, finds that again. What becomes of
   * one that serves nobody is settled with the operation's end.
   */
  async undo(deps, { amphoraId, loadBalancerId }, { reason, gaveUp }) {
    if (loadBalancerId === null || !(await deps.amphorae.get(amphoraId))) return;
    await deps.amphorae.update(amphoraId, { status: gaveUp ? 'ERROR' : 'DELETED', reason });
  },
  leaves: async (_parts, { amphoraId, serverName }) => [{ kind: 'amphora', id: amphoraId, name: serverName }],
};

/** From now on the amphora counts: heartbeats are judged, its silence counts, operations reach it. */
export const markAmphoraAllocated: Step<LoadBalancerDeps, AmphoraChoices, Record<string, never>> = {
  name: 'mark-amphora-allocated',
  isRepeatable: true,
  async do(deps, { amphoraId }, run) {
    const found = await deps.amphorae.get(amphoraId);
    if (!found) throw new KilnError('AMPHORA_NOT_FOUND', `there is no amphora ${amphoraId}`);
    await deps.health.watch(amphoraId);
    run.amend({ allocate: { amphoraId } });
    return {};
  },
};
