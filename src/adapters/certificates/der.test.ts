import { expect, it } from 'vitest';
import { bitString, der, objectIdentifier, time } from './der.ts';

const hex = (bytes: Buffer) => bytes.toString('hex');

it.each([
  [0, '0400'],
  [127, '047f'],
  [128, '048180'],
  [255, '0481ff'],
  [256, '04820100'],
  [65_535, '0482ffff'],
])('writes the length of %i bytes', (length, head) => {
  expect(hex(der('octetString', Buffer.alloc(length)))).toBe(head + '00'.repeat(length));
});

it('puts contents one after the other, text as its bytes', () => {
  expect(hex(der('sequence', der('null'), der('utf8String', 'ä'), der(0x82, 'a')))).toBe('300905000c02c3a4820161');
});

it.each([
  ['2.5.4.3', '0603550403'],
  ['1.2.840.113549.1.1.11', '06092a864886f70d01010b'],
  ['1.2.840.10045.4.3.2', '06082a8648ce3d040302'],
])('writes the object identifier %s', (dotted, bytes) => {
  expect(hex(objectIdentifier(dotted))).toBe(bytes);
});

it('writes bits that fill their bytes', () => {
  expect(hex(bitString(Buffer.from([0xff])))).toBe('030200ff');
});

it.each([
  ['2026-11-29T12:00:01.999Z', 0x17, '261129120001Z'],
  ['2049-12-31T23:59:59.000Z', 0x17, '491231235959Z'],
  ['2050-01-01T00:00:00.000Z', 0x18, '20500101000000Z'],
])('writes the time %s', (at, tag, text) => {
  expect(time(new Date(at))).toEqual(Buffer.from([tag, text.length, ...Buffer.from(text)]));
});
