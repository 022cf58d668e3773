import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../test/kit/fakes/fake-log.ts';
import { jobRun } from '../../test/kit/job-run.ts';
import { abandonedAfterMs, releaseAbandonedVipsJob } from './release-abandoned-vips.ts';

function world() {
  const clock = createFakeClock({ autoAdvance: true });
  const left = new Set(['a', 'b', 'c']);
  const asked: string[] = [];
  const broken = new Set(['b']);
  const olderThan = async (before: string) => {
    asked.push(before);
    return [...left];
  };
  const job = releaseAbandonedVipsJob({
    clock,
    log: createFakeLog(),
    reservations: {
      findOlderThan: olderThan,
      giveUpOlderThan: olderThan,
      forget: async (id: string) => void left.delete(id),
    },
    vips: {
      release: async (id: string) => {
        if (broken.has(id)) throw new Error('Neutron is down');
      },
    },
  });
  return { clock, left, asked, broken, job };
}

describe('VIPs of load balancers that were never made', () => {
  it('go back, each on its own, and those that can not stay for the next time', async () => {
    const { clock, left, asked, broken, job } = world();
    const now = clock.now().getTime();
    expect(await job.run(jobRun)).toMatchObject({ counts: { released: 2, left: 1 }, more: false });
    expect([...left]).toEqual(['b']);
    expect(Date.parse(asked[0] ?? '')).toBeCloseTo(now - abandonedAfterMs, -3);
    broken.clear();
    expect(await job.run(jobRun)).toMatchObject({ counts: { released: 1, left: 0 } });
    expect([...left]).toEqual([]);
  });

  it('are named by a dry run, which gives none back', async () => {
    const { left, job } = world();
    const { counts, items } = await job.run({ ...jobRun, dryRun: true });
    expect(counts).toEqual({ released: 0, left: 3 });
    expect(items).toEqual(['load balancer a', 'load balancer b', 'load balancer c']);
    expect(left.size).toBe(3);
  });

  it('are left alone by a process that has lost the job', async () => {
    const { left, job } = world();
    const assertHeld = async () => {
      throw new Error('another process has it');
    };
    await expect(job.run({ ...jobRun, assertHeld })).rejects.toThrow('another process has it');
    expect(left.size).toBe(3);
  });
});
