/** keepalived's configuration as keepalived takes it apart, for comparison. */

export interface Directive {
  /** The headers of the blocks around it, from the outside in. */
  within: string;
  words: readonly string[];
}

/** Lines, without comments (`#`, `!`), quotes and blanks that mean nothing. Fails on blocks that do not end. */
export function parseLvsConfiguration(text: string): Directive[] {
  const directives: Directive[] = [];
  const open: string[] = [];
  for (const line of text.split('\n')) {
    const words = wordsOf(line);
    if (words.length === 0) continue;
    if (words[0] === '}') {
      if (open.pop() === undefined || words.length > 1) throw new Error(`unexpected }: ${line}`);
    } else if (words.at(-1) === '{') {
      open.push(words.slice(0, -1).join(' '));
    } else {
      directives.push({ within: open.join(' / '), words });
    }
  }
  if (open.length > 0) throw new Error(`a block does not end: ${open.join(' / ')}`);
  return directives;
}

/** Comments, in which the agent finds what belongs to the listener. */
export function commentsOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('#'));
}

function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [, quoted, plain] of line.matchAll(/"([^"]*)"|([^\s"#!]+)|[#!].*/g)) {
    const word = quoted ?? plain;
    if (word !== undefined) words.push(word);
  }
  return words;
}
