import { Type } from 'typebox';
import { dateTime, flag, links, list, nullable, one } from './fields.ts';

const textOrNull = () => nullable(Type.String());

/** octavia/api/v2/types/amphora.py */
export const amphoraView = Type.Object({
  id: Type.String(),
  loadbalancer_id: textOrNull(),
  compute_id: textOrNull(),
  lb_network_ip: textOrNull(),
  vrrp_ip: textOrNull(),
  ha_ip: textOrNull(),
  vrrp_port_id: textOrNull(),
  ha_port_id: textOrNull(),
  cert_expiration: nullable(dateTime()),
  cert_busy: flag(),
  role: textOrNull(),
  status: Type.String(),
  vrrp_interface: textOrNull(),
  vrrp_id: nullable(Type.Integer()),
  vrrp_priority: nullable(Type.Integer()),
  cached_zone: textOrNull(),
  created_at: dateTime(),
  updated_at: nullable(dateTime()),
  image_id: textOrNull(),
  compute_flavor: textOrNull(),
});
export const amphoraAnswer = one('amphora', amphoraView);
export const amphoraeAnswer = Type.Object({ amphorae: list(amphoraView), amphorae_links: links() });
