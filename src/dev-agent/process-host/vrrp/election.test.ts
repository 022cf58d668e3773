import { describe, expect, it } from 'vitest';
import type { VrrpConfiguration } from './configuration.ts';
import { beginElection, onAdvertisement, onDue, onHealth } from './election.ts';

const of = (priority: number, ownIp: string): VrrpConfiguration => ({
  virtualRouterId: 1,
  priority,
  advertIntervalMs: 1000,
  password: null,
  ownIp,
  peerIps: [],
  vips: [],
  check: { intervalMs: 1000, failCount: 2, successCount: 2 },
});
const one = of(100, '127.0.0.1');
const other = of(90, '127.0.0.2');
const masterAt = (nowMs: number, own = one) => ({ state: 'MASTER' as const, dueAtMs: nowMs + own.advertIntervalMs });

describe('the election of a MASTER', () => {
  it('begins as BACKUP, and waits three advertisements and the skew: the higher priority is first', () => {
    const skews = [one, other].map((own) => beginElection(own, 0).dueAtMs);
    expect(skews).toEqual([3609.375, 3648.4375]);
    const begun = beginElection(one, 0);
    expect(onDue(begun, one, 3600)).toEqual({ election: begun, advertise: null });
    expect(onDue(begun, one, 3610)).toEqual({ election: masterAt(3610), advertise: 100 });
  });

  it('a BACKUP leaves a MASTER in office, whatever its priority', () => {
    const heard = { from: '127.0.0.2', priority: 1 };
    const { election, advertise } = onAdvertisement(beginElection(one, 0), one, heard, 3000);
    expect({ election, advertise }).toEqual({ election: { state: 'BACKUP', dueAtMs: 6609.375 }, advertise: null });
  });

  it('a BACKUP takes over a moment after the MASTER has stepped down', () => {
    const heard = { from: '127.0.0.1', priority: 0 };
    const { election } = onAdvertisement(beginElection(other, 0), other, heard, 100);
    expect(election).toEqual({ state: 'BACKUP', dueAtMs: 100 + 648.4375 });
  });

  it('of two MASTERs the one with the higher priority stays, or with the higher address', () => {
    const hear = (own: VrrpConfiguration, from: string, priority: number) =>
      onAdvertisement(masterAt(0, own), own, { from, priority }, 10);
    expect(hear(one, other.ownIp, 90)).toEqual({ election: masterAt(10), advertise: 100 });
    expect(hear(other, one.ownIp, 100)).toMatchObject({ election: { state: 'BACKUP' }, advertise: null });
    expect(hear(one, '127.0.0.2', 100)).toMatchObject({ election: { state: 'BACKUP' } });
    expect(hear(one, '126.255.255.255', 100)).toMatchObject({ election: { state: 'MASTER' } });
  });

  it('who can not serve steps down, hears nobody, and begins anew when it can again', () => {
    const sick = onHealth(masterAt(0), one, false, 10);
    expect(sick).toEqual({ election: { state: 'FAULT', dueAtMs: Infinity }, advertise: 0 });
    const heard = { from: '127.0.0.2', priority: 0 };
    expect(onAdvertisement(sick.election, one, heard, 20).election.state).toBe('FAULT');
    expect(onDue(sick.election, one, 1e9).election.state).toBe('FAULT');
    expect(onHealth(sick.election, one, true, 30)).toEqual({ election: beginElection(one, 30), advertise: null });
    expect(onHealth(beginElection(one, 0), one, false, 10)).toMatchObject({ advertise: null });
  });
});
