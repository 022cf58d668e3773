import type { ImageChoice } from '../../model/image.ts';
import type { Step } from '../engine/flow.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';
import type { AmphoraChoices } from './resolve-amphora.ts';

/** The amphora and its server's name are on record before Nova is asked for anything. */
export const recordAmphora: Step<LoadBalancerDeps, LoadBalancerInput & AmphoraChoices, Record<string, never>> = {
  name: 'mark-amphora-booting',
  async do(deps, { loadBalancerId, amphoraId, serverName, imageId, imageChoice, computeFlavorId, role }) {
    if (await deps.amphorae.get(amphoraId)) return {};
    const now = deps.clock.now().toISOString();
    await deps.amphorae.insert({
      id: amphoraId,
      loadBalancerId,
      role: role ?? 'STANDALONE',
      vrrpPortId: null,
      vrrpIp: null,
      haPortId: null,
      haIp: null,
      status: 'BOOTING',
      serverName,
      computeId: null,
      lbNetworkIp: null,
      imageId,
      imageChoice: imageChoice as unknown as ImageChoice,
      computeFlavor: computeFlavorId,
      cachedZone: null,
      certExpiration: null,
      agentVersion: null,
      timings: {},
      worker: null,
      reason: null,
      createdAt: now,
      updatedAt: now,
    });
    return {};
  },
  /** One of which something is left stays on record: whoever deletes it, or the load balancer, finds that again. */
  async undo(deps, { amphoraId }, { reason, gaveUp }) {
    if (!(await deps.amphorae.get(amphoraId))) return;
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
