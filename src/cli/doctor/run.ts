import { exitCodes, KilnError, toKilnError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CliContext } from '../context.ts';
import type { Check, CheckGroup, Finding, Verdict } from './check.ts';

export interface CheckResult extends Finding {
  id: string;
  group: string;
  title: string;
}

export interface DoctorReport {
  results: readonly CheckResult[];
  counts: Record<Verdict, number>;
  exitCode: number;
}

export interface DoctorTools {
  context: CliContext;
  clock: Clock;
  signal: AbortSignal;
  limitSeconds: number;
  /** Called before each check. */
  onCheck(check: Check): void;
}

/** Runs every check, whatever the ones before it found. Throws only when interrupted. */
export async function runDoctor(groups: readonly CheckGroup[], tools: DoctorTools): Promise<DoctorReport> {
  const results: CheckResult[] = [];
  const unusable = new Map<string, string>();
  let exitCode: number = exitCodes.done;

  for (const group of groups) {
    for (const check of group.checks) {
      tools.signal.throwIfAborted();
      tools.onCheck(check);
      const missing = check.needs?.find((id) => unusable.has(id));
      const findings: readonly Finding[] =
        missing === undefined
          ? await runCheck(check, tools)
          : [{ verdict: 'skip', finding: `not checked: it needs "${unusable.get(missing)}"` }];
      for (const finding of findings) {
        results.push({ id: check.id, group: group.title, title: check.title, ...finding });
        if (finding.verdict === 'fail' || finding.verdict === 'skip' || finding.blocks)
          unusable.set(check.id, check.title);
        if (finding.verdict === 'fail' && exitCode === exitCodes.done) exitCode = finding.exitCode ?? group.exitCode;
      }
    }
  }
  const counts: Record<Verdict, number> = { ok: 0, warn: 0, fail: 0, skip: 0 };
  for (const { verdict } of results) counts[verdict]++;
  return { results, counts, exitCode };
}

async function runCheck(check: Check, tools: DoctorTools): Promise<readonly Finding[]> {
  const { context, clock, limitSeconds } = tools;
  const ended = new AbortController();
  const timeUp = new AbortController();
  const signal = AbortSignal.any([tools.signal, timeUp.signal]);
  const limit = clock.sleep(limitSeconds * 1000, AbortSignal.any([tools.signal, ended.signal])).then(() => {
    const error = new KilnError('SERVICE_TIMEOUT', `no answer within ${limitSeconds} s`);
    timeUp.abort(error);
    throw error;
  });
  // When the check ends first, the sleep is aborted and nobody is left to hear of it.
  limit.catch(() => undefined);
  try {
    const found = await Promise.race([check.run({ context, now: clock.now(), signal }), limit]);
    return 'verdict' in found ? [found] : found;
  } catch (thrown) {
    tools.signal.throwIfAborted();
    const error = toKilnError(thrown);
    return [{ verdict: 'fail', finding: error.message, advice: error.advice, exitCode: error.exitCode }];
  } finally {
    ended.abort();
  }
}
