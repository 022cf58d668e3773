/**
 * However many ask, a question is put once in a while: who asks while the call is under way, or not longer than `keepMs` after
 * it began, gets the same answer. A failure is not kept. What nobody has asked for lately is forgotten.
 *
 * @param call asks anew each time it is called.
 */
export function keepAnswer<Question, Answer>(
  call: (question: Question) => Promise<Answer>,
  options: { keyOf: (question: Question) => string; keepMs: number; nowMs: () => number },
): (question: Question) => Promise<Answer> {
  const { keyOf, keepMs, nowMs } = options;
  const kept = new Map<string, { answer: Promise<Answer>; untilMs: number; isSettled: boolean }>();

  return (question) => {
    const key = keyOf(question);
    const known = kept.get(key);
    if (known && (!known.isSettled || nowMs() < known.untilMs)) return known.answer;
    for (const [other, { isSettled, untilMs }] of kept) if (isSettled && nowMs() >= untilMs) kept.delete(other);
    const line = { answer: call(question), untilMs: nowMs() + keepMs, isSettled: false };
    kept.set(key, line);
    line.answer.then(
      () => {
        line.isSettled = true;
      },
      () => {
        if (kept.get(key) === line) kept.delete(key);
      },
    );
    return line.answer;
  };
}
