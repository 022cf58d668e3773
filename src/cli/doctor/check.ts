/** What a check of `kiln doctor` is, and what it finds. */
import { noneIfGone } from '../../model/errors.ts';
import type { CliContext } from '../context.ts';

export type Verdict = 'ok' | 'warn' | 'fail' | 'skip';

export interface Finding {
  verdict: Verdict;
  /** What was seen: one sentence or clause. */
  finding: string;
  /** What to do; for warn and fail. */
  advice?: string;
  /** Of a warn: what needs the check is skipped all the same. */
  blocks?: true;
  /** Of a fail; the group's if absent. */
  exitCode?: number;
}

export interface CheckTools {
  context: CliContext;
  now: Date;
  /** Aborted when the check's time is up, or by ctrl-C. */
  signal: AbortSignal;
}

export interface Check {
  /** "group.what"; others name it in `needs`. */
  id: string;
  title: string;
  /** Checks without which this one can say nothing: when one of them failed or was skipped, so is this. */
  needs?: readonly string[];
  /** Throwing is failing, with the error's message, advice and exit status. */
  run(tools: CheckTools): Promise<Finding | readonly Finding[]>;
}

export interface CheckGroup {
  title: string;
  /** Exit status of `kiln doctor` when a check of this group is the first to fail and says nothing else. */
  exitCode: number;
  checks: readonly Check[];
}

export const ok = (finding: string): Finding => ({ verdict: 'ok', finding });
export const warn = (finding: string, advice: string): Finding => ({ verdict: 'warn', finding, advice });
export const fail = (finding: string, advice: string): Finding => ({ verdict: 'fail', finding, advice });

/** The object, or null when the service says that there is none. */
export async function unlessMissing<Value>(asked: Promise<Value>): Promise<Value | null> {
  return await asked.catch(noneIfGone);
}
