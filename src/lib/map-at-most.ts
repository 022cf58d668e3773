import pLimit from 'p-limit';

/**
 * `ask` of each item, so many at a time.
 * @returns the answers in the order of the items.
 * @throws what the first that failed did, in that order, once those under way have ended; none is begun after a failure.
 */
export async function mapAtMost<Item, Answer>(
  concurrency: number,
  items: Iterable<Item>,
  ask: (item: Item) => Promise<Answer>,
): Promise<Answer[]> {
  const limit = pLimit(concurrency);
  const begun: Promise<Answer>[] = [];
  let hasFailed = false;
  await Promise.all(
    [...items].map((item, index) =>
      limit(async () => {
        if (hasFailed) return;
        const answer = (async () => await ask(item))();
        begun[index] = answer;
        await answer.catch(() => {
          hasFailed = true;
        });
      }),
    ),
  );
  return await inOrder(begun);
}

/** All have settled: the first of them that failed is thrown, not the first to fail. */
async function inOrder<Answer>(settled: readonly Promise<Answer>[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const one of settled) answers.push(await one);
  return answers;
}
