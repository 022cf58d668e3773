/** UTF-16 units that are not in Latin-1. */
export const OUTSIDE_LATIN_1 = /[\u0100-\uffff]/g;

/** `\uXXXX` instead of one unit. */
const GROWTH = 5;
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const CONTINUES = 32;

/**
 * Segments of a line of a source map, once each unit of the line that is not in Latin-1 is written as an escape.
 * @param line as it was before.
 */
export function movedColumns(segments: string, line: string): string {
  const growing = [...line.matchAll(OUTSIDE_LATIN_1)].map(({ index }) => index);
  if (growing.length === 0 || segments === '') return segments;
  let column = 0;
  let moved = 0;
  let passed = 0;
  return segments
    .split(',')
    .map((segment) => {
      const { value, length } = readNumber(segment);
      column += value;
      while (passed < growing.length && (growing[passed] as number) < column) passed++;
      const before = moved;
      moved = column + passed * GROWTH;
      return writeNumber(moved - before) + segment.slice(length);
    })
    .join(',');
}

/** The first number of a segment: base 64, the lowest bit is the sign. */
function readNumber(segment: string): { value: number; length: number } {
  let bits = 0;
  for (let length = 0; ; length++) {
    const digit = DIGITS.indexOf(segment[length] ?? '');
    bits += (digit & (CONTINUES - 1)) * 32 ** length;
    if ((digit & CONTINUES) === 0) {
      const size = Math.floor(bits / 2);
      return { value: bits % 2 === 1 ? -size : size, length: length + 1 };
    }
  }
}

function writeNumber(value: number): string {
  let bits = value < 0 ? -value * 2 + 1 : value * 2;
  let text = '';
  do {
    const digit = bits % CONTINUES;
    bits = Math.floor(bits / CONTINUES);
    text += DIGITS[bits > 0 ? digit + CONTINUES : digit];
  } while (bits > 0);
  return text;
}
