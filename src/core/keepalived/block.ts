/** A line of keepalived's configuration, or `header {` with lines in it. */
export type Line = string | Block;

export interface Block {
  header: string;
  lines: readonly Line[];
}

/** The lines that are there. */
export function linesOf(...parts: readonly (Line | false | null | readonly Line[])[]): Line[] {
  return parts.flat().filter((part): part is Line => part !== false && part !== null);
}

/** The text; a line feed ends each line, an empty one stands behind each block at the top. */
export function writeLines(lines: readonly Line[]): string {
  return lines.map((line) => (typeof line === 'string' ? `${line}\n` : `\n${writeLine(line, '')}`)).join('');
}

function writeLine(line: Line, indentation: string): string {
  if (typeof line === 'string') return `${indentation}${line}\n`;
  const inner = line.lines.map((it) => writeLine(it, `${indentation}    `)).join('');
  return `${indentation}${line.header} {\n${inner}${indentation}}\n`;
}
