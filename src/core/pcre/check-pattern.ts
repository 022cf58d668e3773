import { readClass } from './character-class.ts';
import { readEscape } from './escape.ts';
import { PatternError, PatternReader } from './reader.ts';

/** See docs/decisions/0017-regular-expressions.md. */

/** Of the compiled pattern. PCRE2 takes 65,535 where it is built as usual, and this is an estimate from above. */
const compiledLimitBytes = 50_000;
const nameLimit = 32;
const countLimit = 65_535;
const lookbehindLimitBytes = 65_535;

/** What of a part matters to what stands around it. */
interface Part {
  /** Bytes that it matches; null when that is open. */
  length: number | null;
  compiledBytes: number;
  /** How PCRE stores a repetition: with a count, or as so many copies. */
  repeats: 'never' | 'counted' | 'copied';
}

const nothing: Part = { length: 0, compiledBytes: 4, repeats: 'never' };
const oneByte: Part = { length: 1, compiledBytes: 3, repeats: 'counted' };
/** A set of bytes is a bitmap; a category in it, or a set that is negated, takes more. */
const classBytes = 48;

/** What is known of a pattern once all of it was read. */
interface Findings {
  names: string[];
  references: { to: number | string; position: number }[];
}

interface Surroundings extends Findings {
  reader: PatternReader;
  inLookaround: boolean;
}

/**
 * Judges a regular expression as HAProxy compiles it: by PCRE2, byte by byte, groups without names not captured.
 * Everything that passes is taken by every PCRE2; rare constructions are refused that PCRE2 would take.
 * @returns what is wrong and at which character (from 1); null when it is good.
 */
export function findPatternFault(pattern: string): { reason: string; position: number } | null {
  const bytes = Buffer.from(pattern, 'utf8');
  const reader = new PatternReader(bytes.toString('latin1'));
  try {
    const around: Surroundings = { reader, names: [], references: [], inLookaround: false };
    const { compiledBytes } = readAlternatives(around, false);
    if (!reader.atEnd) reader.fail('this parenthesis closes nothing');
    if (compiledBytes > compiledLimitBytes) reader.fail('the expression is too large, by what it repeats', 0);
    checkReferences(around);
    return null;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    const before = bytes.subarray(0, error.position).toString('utf8');
    return { reason: error.message, position: [...before].length + 1 };
  }
}

function checkReferences({ names, references, reader }: Surroundings): void {
  for (const { to, position } of references) {
    if (typeof to === 'string' ? names.includes(to) : to <= names.length) continue;
    reader.fail(
      `a reference goes to a group that isn't there; only groups with a name, (?<name>…), are kept`,
      position,
    );
  }
}

/** @param lookbehind whether each alternative must match a number of bytes that is known. */
function readAlternatives(around: Surroundings, lookbehind: boolean): Part {
  const { reader } = around;
  const lengths = new Set<number | null>();
  let compiledBytes = 8;
  do {
    const start = reader.position;
    const part = readSequence(around);
    if (lookbehind && (part.length === null || part.length > lookbehindLimitBytes)) {
      reader.fail('what a lookbehind looks for has no fixed length', start);
    }
    lengths.add(part.length);
    compiledBytes += part.compiledBytes + 3;
  } while (reader.skip('|'));
  const [length = 0] = lengths;
  return { length: lengths.size === 1 ? length : null, compiledBytes, repeats: 'copied' };
}

function readSequence(around: Surroundings): Part {
  const { reader } = around;
  let length: number | null = 0;
  let compiledBytes = 0;
  const add = (part: Part) => {
    length = length === null || part.length === null ? null : length + part.length;
    compiledBytes += part.compiledBytes;
  };
  while (!reader.atEnd && reader.peek() !== '|' && reader.peek() !== ')') {
    const quoted = readQuoted(reader);
    if (quoted === null) {
      add(readQuantifier(reader, readPart(around)));
    } else if (quoted > 0) {
      add({ length: quoted - 1, compiledBytes: 3 * (quoted - 1), repeats: 'never' });
      add(readQuantifier(reader, oneByte));
    }
  }
  return { length, compiledBytes, repeats: 'never' };
}

/** `\Q…\E`: each byte is itself. @returns how many bytes; null when nothing is quoted here. */
function readQuoted(reader: PatternReader): number | null {
  const start = reader.position;
  if (!reader.skip('\\Q')) return null;
  const end = reader.bytes.indexOf('\\E', reader.position);
  const quoted = reader.bytes.slice(reader.position, end < 0 ? undefined : end);
  reader.position += quoted.length + (end < 0 ? 0 : 2);
  if (quoted === '') reader.fail('there is nothing in \\Q\\E', start);
  return quoted.length;
}

function readPart(around: Surroundings): Part {
  const { reader } = around;
  const start = reader.position;
  // Versions from 10.43 on take more for a quantifier than older ones do.
  if (reader.match(/[*+?]|\{\s*\d+\s*(?:,\s*\d*\s*)?\}|\{\s*,\s*\d+\s*\}/y)) {
    reader.fail('there is nothing that this quantifier could repeat', start);
  }
  const byte = reader.next();
  switch (byte) {
    case '(':
      return readGroup(around);
    case '[':
      // As PCRE looks for its end: a bracket or a backslash behind a backslash is part of the name.
      if (/^\[[:.=](?:\\[\\\]]|[^\]])*[:.=]\]/.test(reader.bytes.slice(start)))
        reader.fail('POSIX classes stand in a class', start);
      readClass(reader);
      return { length: 1, compiledBytes: classBytes + 8 * (reader.position - start), repeats: 'counted' };
    case '\\':
      return readEscaped(around);
    case '^':
    case '$':
      return nothing;
    default:
      return oneByte;
  }
}

function readEscaped({ reader, references, inLookaround }: Surroundings): Part {
  const position = reader.position - 1;
  if (reader.peek() === 'E') reader.fail('\\E ends no \\Q', position);
  const found = readEscape(reader);
  switch (found.kind) {
    case 'byte':
      return oneByte;
    case 'set':
      return { ...oneByte, compiledBytes: 8 };
    case 'place':
      return nothing;
    case 'sequence':
      return { length: null, compiledBytes: 4, repeats: 'counted' };
    case 'keep':
      if (inLookaround) reader.fail('\\K is not available in a lookaround', position);
      return nothing;
    case 'reference':
      references.push({ to: found.to, position });
      return { length: null, compiledBytes: 8, repeats: 'counted' };
  }
}

/** Reads a group; its opening parenthesis is behind the reader. */
function readGroup(around: Surroundings): Part {
  const { reader, names, references } = around;
  const start = reader.position - 1;
  if (reader.peek() === '*') reader.fail('verbs, (*…), are not available', start);
  if (!reader.skip('?')) return readGroupBody(around, start);
  if (reader.skip('#')) {
    if (!reader.match(/[^)]*\)/y)) reader.fail('this comment has no end', start);
    return nothing;
  }
  if (reader.match(/[:>]/y)) return readGroupBody(around, start);
  const look = reader.match(/<?[=!]/y);
  if (look) {
    const inside = readGroupBody({ ...around, inLookaround: true }, start, look[0].startsWith('<'));
    return { ...inside, length: 0 };
  }
  const named = reader.match(/P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)'/y);
  if (named) {
    const name = named[1] ?? named[2] ?? '';
    if (name.length > nameLimit) reader.fail(`a group's name has more than ${nameLimit} characters`, start);
    if (names.includes(name)) reader.fail('two groups have the same name', start);
    names.push(name);
    return readGroupBody(around, start);
  }
  const reference = reader.match(/P=([A-Za-z_]\w*)\)/y);
  if (reference) {
    references.push({ to: reference[1] ?? '', position: start });
    return { length: null, compiledBytes: 8, repeats: 'counted' };
  }
  const options = reader.match(/[imsU]+(?:-[imsU]+)?([:)])|-[imsU]+([:)])/y);
  if (!options) return reader.fail('this kind of group, (?…, is unknown or not available', start);
  return (options[1] ?? options[2]) === ')' ? nothing : readGroupBody(around, start);
}

function readGroupBody(around: Surroundings, start: number, lookbehind = false): Part {
  const part = readAlternatives(around, lookbehind);
  if (!around.reader.skip(')')) around.reader.fail('this parenthesis is not closed', start);
  return { ...part, compiledBytes: part.compiledBytes + 8 };
}

function readQuantifier(reader: PatternReader, part: Part): Part {
  const start = reader.position;
  // As written here, a quantifier to PCRE2 from 10.43 on and plain text to what is older.
  if (reader.match(/\{\s*,\s*\d+\s*\}|\{(?=[\d,\s]*\s)\s*\d+\s*(?:,\s*\d*\s*)?\}/y)) {
    reader.fail('write a quantifier as {2}, {2,} or {0,2}', start);
  }
  const found = reader.match(/(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})[+?]?/y);
  if (!found) return part;
  if (part.repeats === 'never') reader.fail('there is nothing that this quantifier could repeat', start);
  const [minimum, maximum] = countsOf(found);
  if (Math.max(minimum, maximum ?? 0) > countLimit) reader.fail(`a quantifier's number is above ${countLimit}`, start);
  if (maximum !== null && maximum < minimum) reader.fail("a quantifier's numbers are in the wrong order", start);
  return {
    length: part.length === null || minimum !== maximum ? null : part.length * minimum,
    compiledBytes:
      part.repeats === 'counted' ? part.compiledBytes + 16 : Math.max(maximum ?? minimum, 1) * (part.compiledBytes + 8),
    repeats: 'never',
  };
}

/** @returns how often at least and at most; null where there is no upper limit. */
function countsOf([, sign, least, comma, most]: RegExpExecArray): [number, number | null] {
  if (sign) return [sign === '+' ? 1 : 0, sign === '?' ? 1 : null];
  const minimum = Number(least);
  if (!comma) return [minimum, minimum];
  return [minimum, most ? Number(most) : null];
}
