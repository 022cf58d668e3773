import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Case } from './case.ts';
import { cases } from './cases/index.ts';
import { type Outcome, openRun, performAlongside, type Run, type RunSettings } from './run.ts';

/** The cloud that a suite runs against, and what else it made for that. */
export interface SuiteCloud {
  settings: Omit<RunSettings, 'signal' | 'keep' | 'interruptible'>;
  close(): Promise<void>;
}

/** Kiln's own time limits come first, except where a cloud is very slow. */
const CASE_TIMEOUT_MS = 600_000;

/** The cases of `npm run e2e` as tests; afterwards nothing of the run may be left in the cloud. */
export function describeByTag(name: string, start: () => Promise<SuiteCloud>): void {
  describe(`load balancers by tag: ${name}`, () => {
    const control = new AbortController();
    let cloud: SuiteCloud;
    let run: Run | null = null;
    let early: ReadonlyMap<Case, Promise<Outcome>>;

    beforeAll(async () => {
      cloud = await start();
      run = await openRun({ ...cloud.settings, keep: false, interruptible: false, signal: control.signal });
      early = performAlongside(run, cases);
    }, CASE_TIMEOUT_MS);
    afterAll(async () => {
      control.abort();
      const left = await run?.close();
      await cloud?.close();
      expect(left ?? []).toEqual([]);
    }, CASE_TIMEOUT_MS);

    for (const one of cases) {
      it(one.name, { timeout: CASE_TIMEOUT_MS }, async ({ skip }) => {
        if (!run) throw new Error('there is no run');
        const outcome = await (early.get(one) ?? run.perform(one));
        if (outcome.status === 'skipped') skip(outcome.reason);
        if (outcome.status === 'failed') throw outcome.error;
      });
    }
  });
}
