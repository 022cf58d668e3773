import type { ImageChoice } from '../../model/image.ts';
import type { Step } from '../engine/flow.ts';
import type { LoadBalancerParts } from '../load-balancer/parts.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';
import type { AmphoraChoices } from './resolve-amphora.ts';

/** The amphora and its server's name are on record before Nova is asked for anything. */
export const recordAmphora: Step<LoadBalancerParts, LoadBalancerInput & AmphoraChoices, Record<string, never>> = {
  name: 'mark-amphora-booting',
  async do(parts, { loadBalancerId, amphoraId, serverName, imageId, imageChoice, computeFlavorId }) {
    if (await parts.amphorae.get(amphoraId)) return {};
    const now = parts.clock.now().toISOString();
    await parts.amphorae.insert({
      id: amphoraId,
      loadBalancerId,
      role: 'STANDALONE',
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
  async undo(parts, { amphoraId }, { reason, gaveUp }) {
    if (!(await parts.amphorae.get(amphoraId))) return;
    await parts.amphorae.update(amphoraId, { status: gaveUp ? 'ERROR' : 'DELETED', reason });
  },
  leaves: async (_parts, { amphoraId, serverName }) => [{ kind: 'amphora', id: amphoraId, name: serverName }],
};

/** From now on the amphora counts: heartbeats are judged, its silence counts, operations reach it. */
export const markAmphoraAllocated: Step<LoadBalancerParts, AmphoraChoices, Record<string, never>> = {
  name: 'mark-amphora-allocated',
  async do(parts, { amphoraId }) {
    await parts.health.watch(amphoraId);
    await parts.amphorae.update(amphoraId, { status: 'ALLOCATED' });
    return {};
  },
};
