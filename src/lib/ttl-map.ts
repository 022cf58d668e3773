/** Keeps what was used lately. */
export interface TtlMap<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): void;
}

/** What nobody has read or written for `keepMs` is forgotten, at the latest after twice that time. */
export function createTtlMap<Value>(nowMs: () => number, keepMs: number): TtlMap<Value> {
  let recent = new Map<string, Value>();
  let older = new Map<string, Value>();
  let turnAtMs = nowMs() + keepMs;

  function turn(): void {
    const now = nowMs();
    if (now < turnAtMs) return;
    older = now < turnAtMs + keepMs ? recent : new Map();
    recent = new Map();
    turnAtMs = now + keepMs;
  }

  return {
    get(key) {
      turn();
      const known = recent.get(key) ?? older.get(key);
      if (known !== undefined) recent.set(key, known);
      return known;
    },
    set(key, value) {
      turn();
      recent.set(key, value);
    },
    delete(key) {
      recent.delete(key);
      older.delete(key);
    },
  };
}
