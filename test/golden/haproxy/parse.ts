/** A configuration as HAProxy takes it apart (its manual, 2.2 "Quoting and escaping"), parsed independently of how Kiln writes. */
export interface ParsedSection {
  header: string;
  lines: string[][];
}

const sectionNames = ['global', 'defaults', 'peers', 'frontend', 'backend'];

export function parseConfiguration(text: string): ParsedSection[] {
  const sections: ParsedSection[] = [];
  for (const line of text.split('\n')) {
    const words = splitWords(line);
    if (words.length === 0) continue;
    if (sectionNames.includes(words[0] ?? '')) sections.push({ header: words.join(' '), lines: [] });
    else sections.at(-1)?.lines.push(words);
  }
  return sections;
}

/** The words of a line, without quotes and escapes. `\xHH` stands for a byte, and the text is UTF-8. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: Buffer[] | null = null;
  let quote: string | null = null;
  const add = (text: string | number) => {
    word ??= [];
    word.push(typeof text === 'string' ? Buffer.from(text) : Buffer.of(text));
  };
  const end = () => {
    if (word) words.push(Buffer.concat(word).toString('utf8'));
    word = null;
  };
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at);
    const next = line.charAt(at + 1);
    if (character === quote) quote = null;
    else if (quote === "'") add(character);
    else if (!quote && (character === '"' || character === "'")) {
      quote = character;
      add('');
    } else if (character === '\\') {
      at++;
      if (next === 'x') {
        add(Number.parseInt(line.slice(at + 1, at + 3), 16));
        at += 2;
      } else if ('nrt'.includes(next)) add({ n: '\n', r: '\r', t: '\t' }[next] ?? '');
      else if (' \\#"'.includes(next) || (next === "'" && !quote) || (next === '$' && quote)) add(next);
      else add(`\\${next}`);
    } else if (character === '$' && quote) throw new Error(`a variable: ${line}`);
    else if (!quote && character === '#') break;
    else if (!quote && /\s/.test(character)) end();
    else add(character);
  }
  if (quote) throw new Error(`a quote without end: ${line}`);
  end();
  return words;
}
