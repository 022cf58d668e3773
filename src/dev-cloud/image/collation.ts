/**
 * How MariaDB compares strings in utf8_general_ci, Glance's usual collation: without case, without accents, and
 * without trailing blanks. `fold(a) === fold(b)` is its `a = b`. Seen on a real Glance in test/recorded/glance
 * (28, a7, a8, b3).
 */
export function fold(text: string): string {
  return Array.from(text, foldCharacter).join('').replace(/ +$/, '');
}

export function sameText(left: string, right: string): boolean {
  return fold(left) === fold(right);
}

function foldCharacter(character: string): string {
  if (character === 'ß') return 'S';
  // Accents are dropped in Latin, Greek and Cyrillic; other scripts keep theirs.
  const decomposed = character < '\u2000' ? character.normalize('NFD') : character;
  const base = /^.\p{M}+$/u.test(decomposed) ? (decomposed[0] ?? character) : character;
  const upper = base.toUpperCase();
  return upper.length === base.length ? upper : base;
}
