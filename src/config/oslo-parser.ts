/**
 * The file format of oslo.config (oslo_config/iniparser.py and cfg.py ConfigParser, release 9), read in full:
 *
 * - `[section]` begins a section; its name counts in lower case, `DEFAULT` alone stays as it is;
 * - `key = value` or `key: value`, whichever sign comes first; a value may hold `#`, `;`, `=` and `:`;
 * - a line that begins with a blank or tab goes on with the value of the line above, joined by a line feed;
 * - `#` and `;` begin a comment only as the first character of a line; an indented one belongs to the value above;
 * - a blank line or a comment ends a value;
 * - a pair of equal quotes around the first line of a value is taken off;
 * - a key may come again, and a section too: all values are kept, in order.
 *
 * Where oslo.config gives up at the first fault, this parser notes it and reads on, so that all can be reported at once.
 */

/** One value as the file has it: nothing substituted, no type known yet. */
export interface Assignment {
  /** Normalised: lower case, or DEFAULT. */
  readonly section: string;
  readonly option: string;
  /** Lines of the value joined by "\n". */
  readonly value: string;
  readonly file: string;
  /** Line on which the option stands, from 1. */
  readonly line: number;
}

export interface SyntaxFault {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface ParsedFile {
  readonly file: string;
  /** In the order of the file. */
  readonly assignments: readonly Assignment[];
  /** Normalised name → line of its first header; sections without options are here too. */
  readonly sections: ReadonlyMap<string, number>;
  readonly faults: readonly SyntaxFault[];
}

/** What Python's str.strip() takes off; JavaScript's trim() differs in U+FEFF, U+0085 and the separators. */
const blanks = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const leadingBlanks = new RegExp(`^[${blanks}]+`);
const trailingBlanks = new RegExp(`[${blanks}]+$`);

/** As Python's str.rstrip(). Walks from the end: a regular expression would be slow on long runs of inner blanks. */
function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && trailingBlanks.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/** As Python's str.strip(). */
export function strip(text: string): string {
  return stripEnd(text).replace(leadingBlanks, '');
}

/** Section names count without case; DEFAULT must be written so. */
export function normalizeSection(name: string): string {
  return name === 'DEFAULT' ? name : name.toLowerCase();
}

/** Reads the text of one file. Never throws: what can't be read is in `faults`. */
export function parseOsloFile(text: string, file: string): ParsedFile {
  const assignments: Assignment[] = [];
  const sections = new Map<string, number>();
  const faults: SyntaxFault[] = [];
  let section: string | null = null;
  /** The assignment being read: continuation lines may follow. */
  let open: { option: string; lines: string[]; line: number } | null = null;
  /** Under a line that could not be read, its continuation lines are no news. */
  let afterFault = false;

  function close(): void {
    if (open && section !== null) {
      assignments.push({ section, option: open.option, value: open.lines.join('\n'), file, line: open.line });
    }
    open = null;
  }

  /** Takes one line in; gives what is wrong with it, or null. */
  function take(content: string, line: number): string | null {
    if (/^[ \t]/.test(content)) {
      if (!open) return afterFault ? null : 'an indented line goes on with the value above it, and there is none';
      open.lines.push(content.replace(leadingBlanks, ''));
      return null;
    }
    close();
    afterFault = false;
    if (content === '' || content.startsWith('#') || content.startsWith(';')) return null;

    if (content.startsWith('[')) {
      if (!content.endsWith(']')) return 'a section must end with "]", with nothing after it';
      if (content === '[]') return 'a section must have a name';
      section = normalizeSection(content.slice(1, -1));
      if (!sections.has(section)) sections.set(section, line);
      return null;
    }
    const sign = content.search(/[=:]/);
    if (sign < 0) return 'expected [section], "option = value" or a comment that begins with # or ;';
    const option = strip(content.slice(0, sign));
    if (option === '') return 'the name of an option is missing before "=" or ":"';
    if (section === null) return `"${option}" stands before the first section; put it under [DEFAULT] or another`;
    open = { option, lines: [unquote(strip(content.slice(sign + 1)))], line };
    return null;
  }

  for (const [index, rawLine] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const line = index + 1;
    if (rawLine.includes('\uFFFD')) faults.push({ file, line, message: 'the line is not valid UTF-8' });
    const message = take(stripEnd(rawLine), line);
    if (message === null) continue;
    faults.push({ file, line, message });
    afterFault = true;
  }
  close();
  return { file, assignments, sections, faults };
}

function unquote(value: string): string {
  const first = value.charAt(0);
  return (first === '"' || first === "'") && value.endsWith(first) ? value.slice(1, -1) : value;
}
