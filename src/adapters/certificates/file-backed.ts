import { type BigIntStats, statSync } from 'node:fs';

/**
 * A value made from files: made once, kept, and made anew when one of the files has changed on disk (size, inode or
 * time of change). Callers at the same moment share one making; a failure is not kept.
 */
export function createFileBacked<T>(files: readonly string[], make: () => Promise<T>): () => Promise<T> {
  let kept: { stamp: string; value: Promise<T> } | null = null;
  return async () => {
    const stamp = stampOf(files);
    if (kept?.stamp === stamp) return kept.value;
    const current = { stamp, value: make() };
    kept = current;
    current.value.catch(() => {
      if (kept === current) kept = null;
    });
    return current.value;
  };
}

/** A file that can't be looked at is "missing" here: reading it will say why. */
function stampOf(files: readonly string[]): string {
  const stamps = files.map((file) => {
    const found = lookAt(file);
    return found ? `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}` : 'missing';
  });
  return stamps.join(' ');
}

function lookAt(file: string): BigIntStats | undefined {
  try {
    return statSync(file, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
