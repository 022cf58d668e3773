/**
 * Text that others wrote (image names, a service's own message) may hold escape sequences, or marks that turn the
 * direction of writing. On a terminal they could hide or forge lines, and a tenant can choose an image's name.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to be kept out.
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The text on one line, with everything that a terminal would act on replaced by "�". */
export function printable(text: string): string {
  return text.replace(/[\r\n\t]+/g, ' ').replace(unprintable, '\ufffd');
}

/** Lines that others wrote, each as `printable` makes it; tabs are blanks, and a lone carriage return begins a line anew. */
export function printableLines(text: string): string {
  return text
    .split(/\r*\n/)
    .map((line) => printable(line.slice(line.lastIndexOf('\r') + 1)))
    .join('\n');
}

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Columns that printable text takes on a terminal: East Asian wide characters and emoji take two. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += wide.test(segment) ? 2 : 1;
  return width;
}

/** At most `columns` columns of the text, the cut marked by "…": at the end, or in the middle. */
export function shorten(text: string, columns: number, cut: 'end' | 'middle' = 'end'): string {
  if (displayWidth(text) <= columns) return text;
  const segments = [...graphemes.segment(text)].map(({ segment }) => segment);
  const tailColumns = cut === 'middle' ? Math.floor((columns - 1) / 2) : 0;
  const tail = take(segments.toReversed(), tailColumns).reverse();
  return `${take(segments, columns - 1 - tailColumns).join('')}…${tail.join('')}`;
}

/** As many of the segments, from the first on, as fit. */
function take(segments: readonly string[], columns: number): string[] {
  let width = 0;
  const end = segments.findIndex((segment) => {
    width += displayWidth(segment);
    return width > columns;
  });
  return segments.slice(0, end < 0 ? segments.length : end);
}

/** The text in lines of at most `columns`, broken at blanks; a longer word stands on a line of its own. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && displayWidth(line) + 1 + displayWidth(word) <= columns) {
      lines[lines.length - 1] = `${line} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines;
}
