import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../test/kit/fakes/fake-log.ts';
import { abandonedAfterMs, releaseAbandonedVips } from './release-abandoned-vips.ts';

describe('VIPs of load balancers that were never made', () => {
  it('go back, each on its own, and those that can not stay for the next time', async () => {
    const clock = createFakeClock({ autoAdvance: true });
    const left = new Set(['a', 'b', 'c']);
    const asked: string[] = [];
    const broken = new Set(['b']);
    const parts = {
      clock,
      log: createFakeLog(),
      reservations: {
        reserve: async () => {},
        giveUp: async () => true,
        giveUpOlderThan: async (before: string) => {
          asked.push(before);
          return [...left];
        },
        forget: async (id: string) => void left.delete(id),
      },
      vips: {
        release: async (id: string) => {
          if (broken.has(id)) throw new Error('Neutron is down');
        },
      },
    };
    const now = clock.now().getTime();
    await releaseAbandonedVips(parts);
    expect([...left]).toEqual(['b']);
    expect(Date.parse(asked[0] ?? '')).toBeCloseTo(now - abandonedAfterMs, -3);
    broken.clear();
    await releaseAbandonedVips(parts);
    expect([...left]).toEqual([]);
  });
});
