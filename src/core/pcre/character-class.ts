import { readClassEscape } from './escape.ts';
import type { PatternReader } from './reader.ts';

const posixNames = new Set(
  'alpha lower upper alnum ascii blank cntrl digit graph print punct space word xdigit'.split(' '),
);

/** Reads a class; its opening bracket is behind the reader. */
export function readClass(reader: PatternReader): void {
  const start = reader.position - 1;
  reader.skip('^');
  // A bracket that comes first is a member of the class.
  let isFirst = true;
  while (isFirst || reader.peek() !== ']') {
    if (reader.atEnd) reader.fail('this class has no closing bracket', start);
    const position = reader.position;
    const low = readMember(reader);
    isFirst = false;
    if (reader.peek() !== '-' || /^-(?:\]|$)/.test(reader.bytes.slice(reader.position, reader.position + 2))) continue;
    reader.next();
    const high = readMember(reader);
    if (low === null || high === null) reader.fail('a range in a class goes from one character to another', position);
    if (low > high) reader.fail('a range in a class runs backwards', position);
  }
  reader.next();
}

/** @returns the code of one byte, or null for a set of bytes. */
function readMember(reader: PatternReader): number | null {
  const start = reader.position;
  if (reader.skip('\\')) {
    // They are no members, and what `\Q…\E` would mean here has changed between versions.
    if (/[QE]/.test(reader.peek())) reader.fail('\\Q and \\E are not available in a class', start);
    const found = readClassEscape(reader);
    return found.kind === 'byte' ? found.code : null;
  }
  const named = reader.match(/\[([:.=])(\^?)([^\]\\[]*?)\1\]/y);
  if (named) {
    if (named[1] !== ':' || !posixNames.has(named[3] ?? '')) reader.fail('this POSIX class is unknown', start);
    return null;
  }
  // Whatever else PCRE could take for one.
  if (reader.match(/\[[:.=]/y)) reader.fail('[: begins a POSIX class; write \\[ for the bracket', start);
  return reader.next().charCodeAt(0);
}
