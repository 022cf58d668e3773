/**
 * Of what lasts, tells what is to be said: what is new, and what was said `pauseMs` ago or more. What is over is forgotten, and
 * is new when it comes back.
 * @returns to be called with all that lasts at this moment.
 */
export function createReminder(pauseMs: number): (lasting: readonly string[], nowMs: number) => ReadonlySet<string> {
  let said = new Map<string, number>();
  return (lasting, nowMs) => {
    const due = lasting.filter((key) => nowMs - (said.get(key) ?? Number.NEGATIVE_INFINITY) >= pauseMs);
    said = new Map(lasting.map((key) => [key, said.get(key) ?? nowMs]));
    for (const key of due) said.set(key, nowMs);
    return new Set(due);
  };
}
