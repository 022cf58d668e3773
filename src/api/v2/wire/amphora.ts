import type { Static } from 'typebox';
import { certificateIsBusy, vrrpOf } from '../../../core/lbaas/vrrp.ts';
import type { Amphora } from '../../../model/amphora.ts';
import type { amphoraView } from '../schemas/amphora.ts';
import { wireTime, wireTimeOrNull } from './common.ts';

export function amphoraToWire(amphora: Amphora): Static<typeof amphoraView> {
  return {
    id: amphora.id,
    loadbalancer_id: amphora.loadBalancerId,
    compute_id: amphora.computeId,
    lb_network_ip: amphora.lbNetworkIp,
    vrrp_ip: amphora.vrrpIp,
    ha_ip: amphora.haIp,
    vrrp_port_id: amphora.vrrpPortId,
    ha_port_id: amphora.haPortId,
    cert_expiration: wireTimeOrNull(amphora.certExpiration),
    cert_busy: certificateIsBusy,
    role: amphora.role,
    status: amphora.status,
    ...vrrpOf(amphora.role),
    cached_zone: amphora.cachedZone,
    created_at: wireTime(amphora.createdAt),
    updated_at: wireTime(amphora.updatedAt),
    image_id: amphora.imageId,
    compute_flavor: amphora.computeFlavor,
  };
}
