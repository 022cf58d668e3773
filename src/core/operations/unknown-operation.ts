import type { FlowName } from '../../model/flow-name.ts';
import { hasEnded, type JournalEntry, type Operation } from '../../model/operation.ts';

/** Names of the steps of each flow that this version has. */
export type KnownFlows = ReadonlyMap<FlowName, ReadonlySet<string>>;

/** Workers of another version may be at it until then: an upgrade takes its time. */
export const UNKNOWN_AFTER_MS = 5 * 60_000;

/** What of an operation this version of Kiln does not have; null when it has all. */
export function unknownPart(
  { flow }: Pick<Operation, 'flow'>,
  entries: readonly JournalEntry[],
  known: KnownFlows,
): string | null {
  const steps = known.get(flow);
  if (!steps) return `flow ${flow}`;
  const step = entries.find((entry) => !steps.has(entry.step))?.step;
  return step === undefined ? null : `step ${step} of flow ${flow}`;
}

/** Whether nobody has brought an operation further for so long that, if its flow is unknown here, nobody seems to know it. */
export function isForgotten({ status, updatedAt }: Pick<Operation, 'status' | 'updatedAt'>, now: Date): boolean {
  return !hasEnded(status) && now.getTime() - Date.parse(updatedAt) >= UNKNOWN_AFTER_MS;
}
