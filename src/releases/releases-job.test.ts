import { afterEach, describe, expect, it } from 'vitest';
import { type CarriedRelease, openCarriedRelease } from '../../test/kit/carried-release.ts';
import type { JobRun } from '../housekeeping/job.ts';
import { createBell } from '../lib/bell.ts';
import { KilnError } from '../model/errors.ts';
import type { NewOperation } from '../model/operation.ts';
import type { CarriedOn, CarryOn } from './carry-on.ts';
import { releasesJob } from './releases-job.ts';

/** The job over the real store; what one pass does is the other file's affair. */
describe('the job that carries releases on', () => {
  let harness: CarriedRelease;
  afterEach(() => harness.close());

  /** @param answers of one pass after the other; when they are used up, the process is asked to stop. */
  async function setUp(answers: readonly (CarriedOn | Error)[]) {
    harness = await openCarriedRelease({ singles: 1 });
    const { state, clock, log } = harness;
    const stop = new AbortController();
    const passesMs: number[] = [];
    const carryOn: CarryOn = async () => {
      const answer = answers[passesMs.length];
      passesMs.push(clock.monotonicMs() - startMs);
      if (passesMs.length === answers.length) stop.abort();
      if (answer instanceof Error) throw answer;
      return answer ?? { wakeInMs: null, operations: 0 };
    };
    const bell = createBell();
    const job = releasesJob({ releases: state.releases, carryOn, clock, log, bell });
    const run: JobRun = { dryRun: false, byHand: false, stop: stop.signal, assertHeld: async () => {} };
    const startMs = clock.monotonicMs();
    return { job, run, passesMs, bell };
  }
  const due = (wakeInMs: number | null): CarriedOn => ({ wakeInMs, operations: 1 });

  it('does nothing where no release is under way', async () => {
    const { job, run, passesMs } = await setUp([due(1_000)]);
    expect(await job.run(run)).toEqual({ counts: { operations: 0 }, items: [], more: false });
    expect(passesMs).toEqual([]);
    expect(await job.isWanted?.()).toBe(false);
    await harness.start();
    expect(await job.isWanted?.()).toBe(true);
  });

  it('looks when it is due', async () => {
    const { job, run, passesMs } = await setUp([due(5_000), due(20_000), due(1_000)]);
    await harness.start();
    const from = harness.clock.monotonicMs();
    expect(await job.run(run)).toMatchObject({ counts: { operations: 3 }, more: true });
    const [first = 0] = passesMs;
    expect(passesMs.map((ms) => ms - first)).toEqual([0, 5_000, 25_000]);
    expect(harness.clock.monotonicMs()).toBeGreaterThan(from);
  });

  it('looks at once when the operator has spoken, and when an operation has ended', async () => {
    const { job, run, passesMs } = await setUp([due(40_000), due(40_000), due(40_000)]);
    const id = await harness.start();
    const operation: NewOperation = {
      id: 'one',
      flow: 'release-amphora',
      subject: 's',
      input: { releaseId: id },
      priority: 0,
    };
    await harness.state.journal.enqueue(operation);
    const { sleep } = harness.clock;
    let sleeps = 0;
    harness.clock.sleep = async (...all) => {
      sleeps++;
      if (sleeps === 3) await harness.say(id, 'pause');
      if (sleeps === 6) {
        const fence = (await harness.state.journal.claim('one', 'w'))?.operation.fence ?? 0;
        await harness.state.journal.finish('one', fence, 'done');
      }
      await sleep(...all);
    };
    await job.run(run);
    const [first = 0] = passesMs;
    expect(passesMs.map((ms) => ms - first)).toEqual([0, 3_000, 6_000]);
  });

  it('looks at once when it rings in this process, and not at all where that was about something else', async () => {
    const { job, run, passesMs, bell } = await setUp([due(40_000), due(40_000)]);
    const id = await harness.start();
    const { sleep } = harness.clock;
    let sleeps = 0;
    harness.clock.sleep = async (ms, signal) => {
      sleeps++;
      if (sleeps === 2) bell.ring();
      if (sleeps === 4) {
        await harness.say(id, 'pause');
        bell.ring();
      }
      if (signal?.aborted) throw signal.reason;
      await sleep(ms, signal);
    };
    await job.run(run);
    const [first = 0] = passesMs;
    // Two whole pauses: the other two ended when it rang.
    expect(passesMs.map((ms) => ms - first)).toEqual([0, 2_000]);
  });

  it('tries again after growing pauses what fails; one that somebody else has changed at once', async () => {
    const down = new KilnError('STATE_UNUSABLE', 'no answer');
    const fenced = new KilnError('FENCED', 'has changed');
    const { job, run, passesMs } = await setUp([down, down, down, fenced, due(1_000)]);
    await harness.start();
    await job.run(run);
    const [first = 0] = passesMs;
    expect(passesMs.map((ms) => ms - first)).toEqual([0, 1_000, 3_000, 7_000, 8_000]);
    expect(harness.log.lines.filter(({ level }) => level === 'error')).toHaveLength(3);
  });

  it('leaves off at once when another process has the job', async () => {
    const { job, run, passesMs } = await setUp([new Error('lost'), due(1_000)]);
    await harness.start();
    const lost = async () => {
      throw new KilnError('FENCED', 'job releases is no longer ours');
    };
    await expect(job.run({ ...run, assertHeld: lost })).rejects.toMatchObject({ code: 'FENCED' });
    expect(passesMs).toHaveLength(1);
  });

  it('by hand it looks once; in a dry run it tells what is under way', async () => {
    const { job, run, passesMs } = await setUp([due(1_000), due(1_000)]);
    const id = await harness.start();
    expect(await job.run({ ...run, byHand: true })).toMatchObject({ counts: { operations: 1 } });
    expect(passesMs).toHaveLength(1);
    const reported = await job.run({ ...run, dryRun: true });
    expect(reported.items).toEqual([`release ${id} of image image-2: planned, wave 0`]);
    expect(passesMs).toHaveLength(1);
  });
});
