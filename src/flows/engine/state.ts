import type { JsonObject } from '../../model/operation.ts';

/** What a step sees: the flow's state, and over it that of each sub-flow that it is in, the innermost uppermost. */
export function seenFrom(state: JsonObject, scope: readonly string[] = []): JsonObject {
  let part: JsonObject | undefined = state;
  let seen = state;
  for (const name of scope) {
    part = part?.[name] as JsonObject | undefined;
    seen = { ...seen, ...part };
  }
  return seen;
}

/** The state with what a step has given. */
export function withOutput(state: JsonObject, scope: readonly string[] = [], output: JsonObject = {}): JsonObject {
  const [name, ...inner] = scope;
  if (name === undefined) return { ...state, ...output };
  return { ...state, [name]: withOutput((state[name] ?? {}) as JsonObject, inner, output) };
}

/** Whether what happens at the one concerns the other: they are in one sub-flow, or one of them holds the other's. */
export function concerns(one: readonly string[] = [], other: readonly string[] = []): boolean {
  return one.every((name, depth) => depth >= other.length || name === other[depth]);
}
