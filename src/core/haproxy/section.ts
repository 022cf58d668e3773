/** A section of HAProxy's configuration: `global`, `frontend NAME` …, and its lines, without indentation. */
export interface Section {
  header: string;
  lines: readonly string[];
}

/** The words of a line; what is absent leaves no trace. */
export function words(...parts: readonly (string | number | false | null | undefined)[]): string {
  return parts.filter((part) => part !== false && part !== null && part !== undefined && part !== '').join(' ');
}

/** The lines that are there. */
export function linesOf(...parts: readonly (string | false | null | undefined | readonly string[])[]): string[] {
  return parts.flat().filter((line) => typeof line === 'string' && line !== '') as string[];
}

/** The file. Octavia's agent finds frontends by a header that stands alone on its line. */
export function writeSections(title: string, sections: readonly Section[]): string {
  const texts = sections.map(({ header, lines }) => [header, ...lines.map((line) => `    ${line}`)].join('\n'));
  return `# ${title}\n${texts.join('\n\n')}\n`;
}
