import { type Amphora, type AmphoraRole, amphoraRoles, amphoraStatuses } from '../../model/amphora.ts';

/**
 * What Octavia's keepalived has of an amphora: it follows from the amphora's role. One router a load balancer; who has the
 * higher priority has the VIP.
 */
const id = 1;
const priorities: Readonly<Record<AmphoraRole, number | null>> = { STANDALONE: null, MASTER: 100, BACKUP: 90 };
const interfaceName = 'eth1';

export function vrrpOf(role: AmphoraRole | null) {
  const priority = role && priorities[role];
  return {
    vrrp_interface: priority === null ? null : interfaceName,
    vrrp_id: role === null ? null : id,
    vrrp_priority: priority,
  };
}

/** For filters: the roles with this value. */
export const rolesWith = (field: keyof ReturnType<typeof vrrpOf>) => (value: string | number | boolean) =>
  amphoraRoles.filter((role) => vrrpOf(role)[field] === value);

/** A renewal of an agent's certificate (decision 0024) holds up nobody, and is not shown here. */
export const certificateIsBusy = false;
export const statusesWithBusyCertificate = (value: string | number | boolean): readonly Amphora['status'][] =>
  value === certificateIsBusy ? amphoraStatuses : [];
