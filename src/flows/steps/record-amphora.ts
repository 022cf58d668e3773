import { newAmphora } from '../../core/amphora/new-amphora.ts';
import type { Step } from '../engine/flow.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { AmphoraChoices } from './resolve-amphora.ts';

/** `loadBalancerId`: null for one that serves nobody. Its row is there from the moment on at which it was asked for. */
type RecordInput = { loadBalancerId: string | null } & AmphoraChoices;

/** The amphora, its server's name and its image are on record before Nova is asked for anything. */
export const recordAmphora: Step<LoadBalancerDeps, RecordInput, Record<string, never>> = {
  name: 'mark-amphora-booting',
  async do(deps, state) {
    const { loadBalancerId, amphoraId, serverName, imageId, imageChoice, computeFlavorId, role, timings = {} } = state;
    const found = await deps.amphorae.get(amphoraId);
    if (found?.imageId === null) await deps.amphorae.update(amphoraId, { imageId, imageChoice, timings });
    if (found) return {};
    const chosen = { imageId, imageChoice, computeFlavor: computeFlavorId, timings };
    const row = { id: amphoraId, loadBalancerId, role: role ?? 'STANDALONE', serverName, ...chosen } as const;
    await deps.amphorae.insert(newAmphora(row, deps.clock.now().toISOString()));
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
  async do(deps, { amphoraId }) {
    await deps.health.watch(amphoraId);
    await deps.amphorae.allocate(amphoraId);
    return {};
  },
};
