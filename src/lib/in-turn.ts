/** Carries actions out one after the other, in the order in which they were asked for, whatever becomes of the ones before. */
export type InTurn = <Result>(action: () => Promise<Result>) => Promise<Result>;

/** One turn for each name; other names go on beside it. */
export function createTurns(): <Result>(name: string, action: () => Promise<Result>) => Promise<Result> {
  const lasts = new Map<string, Promise<unknown>>();
  return (name, action) => {
    const mine = (lasts.get(name) ?? Promise.resolve()).then(action);
    const settled = mine.catch(() => undefined);
    lasts.set(name, settled);
    void settled.then(() => {
      if (lasts.get(name) === settled) lasts.delete(name);
    });
    return mine;
  };
}

/** One turn for all actions. */
export function createTurn(): InTurn {
  const inTurn = createTurns();
  return (action) => inTurn('all', action);
}
