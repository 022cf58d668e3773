const longestText = 300;
const deepest = 20;

/** A value of a request as Octavia's messages have it, between quotes of their own: see `pythonLiteral`. */
export const pythonText = (value: unknown) => (typeof value === 'string' ? clip(value) : pythonLiteral(value));

/**
 * A value as Python prints it: `['a', None, {}]`. Short, and walked no further than is shown, however large or deep it is.
 */
export function pythonLiteral(value: unknown): string {
  let text = '';
  const isFull = () => text.length > longestText;
  write(value, 0);
  return clip(text);

  function write(one: unknown, depth: number): void {
    if (isFull()) return;
    if (typeof one !== 'object' || one === null) text += scalarText(one);
    else if (depth > deepest) text += '...';
    else if (Array.isArray(one)) writeAll('[', one, ']', (item) => write(item, depth + 1));
    else {
      writeAll('{', Object.keys(one), '}', (key) => {
        text += `${quoted(key)}: `;
        write((one as Record<string, unknown>)[key], depth + 1);
      });
    }
  }

  function writeAll<Item>(start: string, items: readonly Item[], end: string, writeItem: (item: Item) => void): void {
    text += start;
    for (const [index, item] of items.entries()) {
      if (isFull()) return;
      if (index > 0) text += ', ';
      writeItem(item);
    }
    text += end;
  }
}

/** A text for a message, cut where it is long. */
export function clip(text: string): string {
  return (text.length > longestText ? `${text.slice(0, longestText)}...` : text).toWellFormed();
}

function scalarText(value: unknown): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'string' ? quoted(value) : String(value);
}

/** Only what is shown is looked at: the text may be long. */
function quoted(text: string): string {
  const shown = text.slice(0, longestText);
  const quote = shown.includes("'") && !shown.includes('"') ? '"' : "'";
  const escaped = shown.replace(/[\\\p{Cc}]/gu, escapedCharacter);
  return `${quote}${quote === "'" ? escaped.replaceAll("'", "\\'") : escaped}${quote}`;
}

const shortEscapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const escapedCharacter = (character: string) =>
  shortEscapes[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
