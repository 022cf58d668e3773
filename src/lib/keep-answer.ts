/**
 * However many ask, a question is put once in a while: who asks while the call is under way, or not longer than `keepMs` after
 * it began, gets the same answer. A failure is not kept. What nobody has asked for lately is forgotten.
 *
 * @param call asks anew each time it is called.
 * @param options.most answers that are kept at once; the oldest go first.
 * @param options.isKept absent: every answer is.
 * @returns takes a question; and whether the call is made anew now, for whoever asks from then on.
 */
export function keepAnswer<Question, Answer>(
  call: (question: Question) => Promise<Answer>,
  options: {
    keyOf: (question: Question) => string;
    keepMs: number;
    nowMs: () => number;
    most?: number;
    isKept?: (answer: Answer) => boolean;
  },
): (question: Question, isAnew?: boolean) => Promise<Answer> {
  const { keyOf, keepMs, nowMs, most = Number.POSITIVE_INFINITY, isKept = () => true } = options;
  const kept = new Map<string, { answer: Promise<Answer>; untilMs: number; isSettled: boolean }>();

  return (question, isAnew = false) => {
    const key = keyOf(question);
    const known = kept.get(key);
    if (known && !isAnew && (!known.isSettled || nowMs() < known.untilMs)) return known.answer;
    for (const [other, { isSettled, untilMs }] of kept) if (isSettled && nowMs() >= untilMs) kept.delete(other);
    const line = { answer: call(question), untilMs: nowMs() + keepMs, isSettled: false };
    // As the newest.
    kept.delete(key);
    kept.set(key, line);
    for (const oldest of kept.keys()) {
      if (kept.size <= most) break;
      kept.delete(oldest);
    }
    const forget = () => {
      if (kept.get(key) === line) kept.delete(key);
    };
    line.answer.then((answer) => {
      line.isSettled = true;
      if (!isKept(answer)) forget();
    }, forget);
    return line.answer;
  };
}

/** `keepAnswer` of a call that always asks the same. */
export function keepOneAnswer<Answer>(
  call: () => Promise<Answer>,
  options: { keepMs: number; nowMs: () => number },
): () => Promise<Answer> {
  const kept = keepAnswer<void, Answer>(call, { ...options, keyOf: () => '' });
  return () => kept();
}
