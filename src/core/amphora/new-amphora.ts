import type { Amphora } from '../../model/amphora.ts';

type Known = Pick<Amphora, 'id' | 'loadBalancerId' | 'role' | 'serverName' | 'computeFlavor'>;

/**
 * The row of an amphora that is about to be booted: nothing of it is in the cloud yet.
 * @param known what is decided, and what else differs from nothing.
 * @param now ISO 8601.
 */
export function newAmphora(known: Known & Partial<Amphora>, now: string): Amphora {
  return {
    vrrpPortId: null,
    vrrpIp: null,
    haPortId: null,
    haIp: null,
    status: 'BOOTING',
    computeId: null,
    lbNetworkIp: null,
    imageId: null,
    imageChoice: null,
    cachedZone: null,
    certExpiration: null,
    agentVersion: null,
    timings: {},
    worker: null,
    reason: null,
    createdAt: now,
    updatedAt: now,
    ...known,
  };
}
