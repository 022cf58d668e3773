/** DER (X.690), as much of it as a certificate takes. */

const tagOf = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** @param tag its name, or the number itself where the context says what it means. */
export function der(tag: keyof typeof tagOf | number, ...contents: readonly (Uint8Array | string)[]): Buffer {
  const parts = contents.map((part) => (typeof part === 'string' ? Buffer.from(part) : part));
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const number = typeof tag === 'number' ? tag : tagOf[tag];
  return Buffer.concat([Buffer.from([number, ...lengthBytes(length)]), ...parts]);
}

/** @param dotted such as `2.5.4.3`. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number);
  return der('objectIdentifier', Buffer.from([40 * first + second, ...others.flatMap(base128)]));
}

/** A bit string whose bits fill its bytes. */
export const bitString = (bytes: Uint8Array): Buffer => der('bitString', Buffer.from([0]), bytes);

/** As certificates have times (RFC 5280, 4.1.2.5): whole seconds, and to the end of 2049 with two digits for the year. */
export function time(at: Date): Buffer {
  const digits = `${at.toISOString().slice(0, 19).replaceAll(/\D/g, '')}Z`;
  return at.getUTCFullYear() < 2050 ? der('utcTime', digits.slice(2)) : der('generalizedTime', digits);
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

function base128(number: number): number[] {
  const bytes = [number & 0x7f];
  for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128))
    bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}
