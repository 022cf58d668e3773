import type { PatternReader } from './reader.ts';

/** What an escape sequence stands for: one byte by its code, a set of bytes, a place, or something of open length. */
export type Escape =
  | { kind: 'byte'; code: number }
  | { kind: 'set' }
  | { kind: 'place' }
  | { kind: 'sequence' }
  | { kind: 'keep' }
  | { kind: 'reference'; to: number | string };

const controls: Readonly<Record<string, number>> = { a: 7, e: 27, f: 12, n: 10, r: 13, t: 9 };
const sets = 'dDhHsSvVwWN';
const places = 'bBAZzG';
const sequences = 'RX';

/** General categories and PCRE's own properties; scripts mean nothing to a pattern that is read byte by byte. */
const properties = new Set(
  (
    'Any L& C Cc Cf Cn Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs ' +
    'Xan Xps Xsp Xwd'
  ).split(' '),
);

/** Reads what stands after a backslash, outside a class. The backslash is behind the reader. */
export function readEscape(reader: PatternReader): Escape {
  const start = reader.position - 1;
  const reference = readReference(reader);
  if (reference) return reference;
  const shared = readSharedEscape(reader, start);
  if (shared) return shared;
  const letter = reader.next();
  if (sequences.includes(letter)) return { kind: 'sequence' };
  if (places.includes(letter)) return { kind: 'place' };
  if (letter === 'N') {
    if (reader.peek() === '{') reader.fail('\\N{…} is not available', start);
    return { kind: 'set' };
  }
  if (letter === 'K') return { kind: 'keep' };
  return reader.fail(`\\${letter} is not an escape sequence`, start);
}

/** Reads what stands after a backslash in a class. */
export function readClassEscape(reader: PatternReader): Escape {
  const start = reader.position - 1;
  if (reader.skip('b')) return { kind: 'byte', code: 8 };
  const octal = reader.match(/[0-7]{1,3}/y);
  if (octal) return byteOf(Number.parseInt(octal[0], 8), reader, start);
  const shared = readSharedEscape(reader, start);
  if (shared) return shared;
  return reader.fail(`\\${reader.peek()} is not available in a class`, start);
}

function readSharedEscape(reader: PatternReader, start: number): Escape | null {
  if (reader.atEnd) reader.fail('there is nothing after the last backslash', start);
  const letter = reader.next();
  if (!/[a-zA-Z0-9]/.test(letter)) return { kind: 'byte', code: letter.charCodeAt(0) };
  if (sets.includes(letter) && letter !== 'N') return { kind: 'set' };
  const control = controls[letter];
  if (control !== undefined) return { kind: 'byte', code: control };
  switch (letter) {
    case 'c': {
      const character = reader.match(/[ -~]/y);
      if (!character) reader.fail('\\c needs a printable ASCII character', start);
      return { kind: 'byte', code: character[0].toUpperCase().charCodeAt(0) ^ 64 };
    }
    case 'x':
      return readHexadecimal(reader, start);
    case 'o': {
      const digits = reader.match(/\{([0-7]+)\}/y);
      if (!digits) reader.fail('\\o needs octal digits in braces', start);
      return byteOf(Number.parseInt(digits[1] ?? '', 8), reader, start);
    }
    case '0':
      return byteOf(Number.parseInt(`0${reader.match(/[0-7]{0,2}/y)?.[0] ?? ''}`, 8), reader, start);
    case 'p':
    case 'P': {
      const name = reader.match(/([A-Z])|\{\^?([A-Za-z&]+)\}/y);
      const known = name && properties.has(name[1] ?? name[2] ?? '');
      if (!known) reader.fail(`\\${letter} needs a Unicode category, such as \\${letter}{Lu}`, start);
      return { kind: 'set' };
    }
  }
  reader.position -= 1;
  return null;
}

function readHexadecimal(reader: PatternReader, start: number): Escape {
  if (reader.peek() !== '{') {
    return byteOf(Number.parseInt(`0${reader.match(/[0-9a-fA-F]{0,2}/y)?.[0] ?? ''}`, 16), reader, start);
  }
  const digits = reader.match(/\{([0-9a-fA-F]+)\}/y);
  if (!digits) reader.fail('\\x{ needs hexadecimal digits and a closing brace', start);
  return byteOf(Number.parseInt(digits[1] ?? '', 16), reader, start);
}

/** A pattern is compared byte by byte: there is no character above 255. */
function byteOf(code: number, reader: PatternReader, start: number): Escape {
  if (code > 0xff) reader.fail('a character code is above 255', start);
  return { kind: 'byte', code };
}

/** `\1`, `\g1`, `\g{1}`, `\g{-1}`, `\g{name}`, `\k<name>`, `\k'name'`, `\k{name}`. */
function readReference(reader: PatternReader): Escape | null {
  const name = reader.match(/k(?:<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)'|\{([A-Za-z_]\w*)\})|g\{([A-Za-z_]\w*)\}/y);
  if (name) return { kind: 'reference', to: name[1] ?? name[2] ?? name[3] ?? name[4] ?? '' };
  const number = reader.match(/([1-9]\d?)(?!\d)|g([1-9]\d?)(?!\d)|g\{([1-9]\d?)\}/y);
  if (number) return { kind: 'reference', to: Number(number[1] ?? number[2] ?? number[3]) };
  return null;
}
