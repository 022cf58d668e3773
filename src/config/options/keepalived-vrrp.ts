import { integer } from '../option.ts';

/** [keepalived_vrrp]: how the two amphorae of an ACTIVE_STANDBY load balancer agree on who has the VIP. */
export const keepalivedVrrpOptions = {
  vrrp_advert_int: integer({
    default: 1,
    unit: 'seconds',
    min: 1,
    max: 40,
    mutable: true,
    help: 'How often the amphora that has the VIP says so. The other one takes over when it has heard nothing for three times that and a bit. For fractions of a second see [kiln] vrrp_advert_interval_seconds.',
  }),
  vrrp_check_interval: integer({
    default: 5,
    unit: 'seconds',
    min: 1,
    mutable: true,
    help: 'How often an amphora looks whether its HAProxy runs.',
  }),
  vrrp_fail_count: integer({
    default: 2,
    min: 1,
    mutable: true,
    help: 'How many of those looks in a row must fail before the amphora gives up the VIP.',
  }),
  vrrp_success_count: integer({
    default: 2,
    min: 1,
    mutable: true,
    help: 'How many of those looks in a row must succeed before the amphora may have the VIP again.',
  }),
  vrrp_garp_refresh_interval: integer({
    default: 5,
    unit: 'seconds',
    min: 0,
    mutable: true,
    help: 'How often the amphora that has the VIP tells its network by gratuitous ARP. 0: only when it takes over.',
  }),
  vrrp_garp_refresh_count: integer({
    default: 2,
    min: 0,
    mutable: true,
    help: 'How many of those announcements are made each time.',
  }),
};
