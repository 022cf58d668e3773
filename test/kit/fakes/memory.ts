/** Everything that one fake knows: maps by name. */
export type Memory = Readonly<Record<string, Map<string, unknown>>>;

/** A copy that later changes leave alone. */
export function copyOf(memories: readonly Memory[]): readonly Memory[] {
  return structuredClone(memories);
}

/** Puts a copy back, in place of whatever the same fakes, or others like them, know. The copy can be put back again. */
export function putBack(copy: readonly Memory[], memories: readonly Memory[]): void {
  for (const [index, memory] of structuredClone(copy).entries()) {
    for (const [name, entries] of Object.entries(memory)) {
      const target = memories[index]?.[name];
      if (!target) throw new Error(`these fakes have no ${name}`);
      target.clear();
      for (const [key, value] of entries) target.set(key, value);
    }
  }
}
