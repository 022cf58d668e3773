import type { VrrpConfiguration } from './configuration.ts';

/** FAULT: this amphora can not serve, and does not stand for election. */
export type VrrpState = 'BACKUP' | 'MASTER' | 'FAULT';

/** Where one amphora stands in the election. Times are milliseconds of one steady clock. */
export interface Election {
  state: VrrpState;
  /** BACKUP: when the MASTER counts as gone. MASTER: when it advertises next. FAULT: never. */
  dueAtMs: number;
}

/** What an amphora hears of another one. Priority 0: it gives up being MASTER. */
export interface Advertisement {
  from: string;
  priority: number;
}

/** An election moved on, and the priority to advertise now; null for nothing. */
export interface Step {
  election: Election;
  advertise: number | null;
}

/** VRRP's state machine (RFC 9568, 6.4), as keepalived has it with `nopreempt` and unicast peers: pure. */
export function beginElection(own: VrrpConfiguration, nowMs: number): Election {
  return { state: 'BACKUP', dueAtMs: nowMs + masterDownMs(own) };
}

export function onDue(election: Election, own: VrrpConfiguration, nowMs: number): Step {
  if (election.state === 'FAULT' || nowMs < election.dueAtMs) return { election, advertise: null };
  return master(own, nowMs);
}

export function onAdvertisement(election: Election, own: VrrpConfiguration, heard: Advertisement, nowMs: number): Step {
  switch (election.state) {
    case 'FAULT':
      return { election, advertise: null };
    case 'BACKUP': {
      // Whoever is MASTER stays it, whatever its priority.
      const waitMs = heard.priority === 0 ? skewMs(own) : masterDownMs(own);
      return { election: { state: 'BACKUP', dueAtMs: nowMs + waitMs }, advertise: null };
    }
    case 'MASTER': {
      const yields =
        heard.priority > own.priority || (heard.priority === own.priority && isGreater(heard.from, own.ownIp));
      if (!yields) return master(own, nowMs);
      return { election: beginElection(own, nowMs), advertise: null };
    }
  }
}

/** @param isHealthy whether this amphora can serve, from what its check has said. */
export function onHealth(election: Election, own: VrrpConfiguration, isHealthy: boolean, nowMs: number): Step {
  if (isHealthy === (election.state !== 'FAULT')) return { election, advertise: null };
  if (isHealthy) return { election: beginElection(own, nowMs), advertise: null };
  return { election: { state: 'FAULT', dueAtMs: Infinity }, advertise: election.state === 'MASTER' ? 0 : null };
}

function master(own: VrrpConfiguration, nowMs: number): Step {
  return { election: { state: 'MASTER', dueAtMs: nowMs + own.advertIntervalMs }, advertise: own.priority };
}

/** So long later does a lower priority take over: the highest one is first. */
function skewMs({ priority, advertIntervalMs }: VrrpConfiguration): number {
  return ((256 - priority) * advertIntervalMs) / 256;
}

function masterDownMs(own: VrrpConfiguration): number {
  return 3 * own.advertIntervalMs + skewMs(own);
}

/** IPv4 addresses compared as numbers. */
function isGreater(one: string, other: string): boolean {
  const number = (address: string) => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return number(one) > number(other);
}
