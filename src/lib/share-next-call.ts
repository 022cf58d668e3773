/**
 * Many ask the same question at once, and each needs an answer that was asked for after it asked. While one call is
 * under way, all who come wait for the next one, which starts when the first ends: a thousand callers cause two calls,
 * and nobody is given an answer older than the question. There is no cache: with nobody waiting, nothing is kept.
 *
 * @param call asks anew each time it is called.
 * @param patience how old a call may be for whoever comes to wait for it: beside one that hangs, another one is started. Absent: any age.
 * @returns a function with the same answer, shared. Callers of the same key share; a failure is shared likewise.
 */
export function shareNextCall<Question, Answer>(
  call: (question: Question) => Promise<Answer>,
  keyOf: (question: Question) => string,
  patience: { ms: number; nowMs: () => number } = { ms: Number.POSITIVE_INFINITY, nowMs: () => 0 },
): (question: Question) => Promise<Answer> {
  const lines = new Map<string, Line<Answer>>();

  function start(key: string, question: Question): Promise<Answer> {
    const running = call(question);
    const line: Line<Answer> = { running, sinceMs: patience.nowMs(), next: null };
    lines.set(key, line);
    const settled = () => {
      // A follower starts its own line; without one the key is forgotten.
      if (!line.next && lines.get(key) === line) lines.delete(key);
    };
    running.then(settled, settled);
    return running;
  }

  return (question) => {
    const key = keyOf(question);
    const line = lines.get(key);
    if (!line || patience.nowMs() - line.sinceMs > patience.ms) return start(key, question);
    const startNext = () => start(key, question);
    line.next ??= line.running.then(startNext, startNext);
    return line.next;
  };
}

interface Line<Answer> {
  running: Promise<Answer>;
  /** When that began. */
  sinceMs: number;
  /** What those wait for who came meanwhile. */
  next: Promise<Answer> | null;
}
