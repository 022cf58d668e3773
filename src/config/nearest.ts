/** Number of letters to change, add or take away to make one word of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Less of a name than this is found in too many others. */
const shortestPart = 4;

/**
 * The word that was most likely meant; null when none is near. Case and `-` for `_` cost nothing; the same words in
 * another order, and a word that is a part of another, are as near as a few wrong letters.
 */
export function nearestWord(word: string, candidates: Iterable<string>): string | null {
  const written = plain(word);
  const limit = Math.max(3, Math.floor(word.length / 3));
  let nearest: string | null = null;
  let least = limit + 1;
  for (const candidate of candidates) {
    const meant = plain(candidate);
    const isLikely = sorted(meant) === sorted(written) || (written.length >= shortestPart && meant.includes(written));
    if (!isLikely && Math.abs(meant.length - written.length) >= least) continue;
    const found = Math.min(distance(written, meant), isLikely ? limit : Number.POSITIVE_INFINITY);
    if (found < least) [nearest, least] = [candidate, found];
  }
  return nearest;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll('-', '_');
}

function sorted(name: string): string {
  return name.split('_').sort().join('_');
}
