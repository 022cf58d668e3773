import type { Static } from 'typebox';
import type { Amphora, AmphoraRole } from '../../../model/amphora.ts';
import type { amphoraView } from '../schemas/amphora.ts';
import { wireTime, wireTimeOrNull } from './common.ts';

/** Of Octavia's keepalived: one router a load balancer; who has the higher priority has the VIP. */
const vrrpId = 1;
const vrrpPriorities: Readonly<Record<AmphoraRole, number | null>> = { STANDALONE: null, MASTER: 100, BACKUP: 90 };
const vrrpInterface = 'eth1';

export function amphoraToWire(amphora: Amphora): Static<typeof amphoraView> {
  const priority = amphora.role && vrrpPriorities[amphora.role];
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
    cert_busy: false,
    role: amphora.role,
    status: amphora.status,
    vrrp_interface: priority === null ? null : vrrpInterface,
    vrrp_id: amphora.vrrpPortId === null ? null : vrrpId,
    vrrp_priority: priority,
    cached_zone: amphora.cachedZone,
    created_at: wireTime(amphora.createdAt),
    updated_at: wireTime(amphora.updatedAt),
    image_id: amphora.imageId,
    compute_flavor: amphora.computeFlavor,
  };
}
