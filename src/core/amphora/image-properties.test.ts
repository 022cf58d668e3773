import { expect, it } from 'vitest';
import {
  type ImageProperties,
  parseImageProperties,
  propertiesFileOf,
  renderImageProperties,
} from './image-properties.ts';

const properties: ImageProperties = {
  sha512: 'ab'.repeat(64),
  minDiskGiB: 2,
  minRamMiB: 512,
  properties: { kiln_version: '0.1.0', os_distro: 'debian' },
};

it('is read as it was written', () => {
  expect(parseImageProperties(renderImageProperties(properties), 'f')).toEqual(properties);
  expect(propertiesFileOf('a/amphora.qcow2')).toBe('a/amphora.qcow2.properties.json');
});

it.each([
  ['no JSON', '{', 'is not JSON'],
  ['no object', '7', 'holds no JSON object'],
  ['another format', '{"format":"x"}', 'has format "x"; known is "kiln-image-properties-1"'],
  ['a hash too short', change({ sha512: 'ab' }), 'has no sha512 of 128 hexadecimal digits'],
  ['a disk below zero', change({ minDiskGiB: -1 }), 'has minDiskGiB -1; allowed is a whole number from 0'],
  ['no memory', change({ minRamMiB: undefined }), 'has minRamMiB none'],
  ['a list of properties', change({ properties: ['a'] }), 'has no object "properties"'],
  ['a property that is a number', change({ properties: { a: 1 } }), 'has a property a that is no string'],
])('refuses %s', (_what, text, message) => {
  expect(() => parseImageProperties(text, 'amphora.qcow2.properties.json')).toThrow(message);
});

function change(fields: Record<string, unknown>): string {
  return JSON.stringify({ ...JSON.parse(renderImageProperties(properties)), ...fields });
}
