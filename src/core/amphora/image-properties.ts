import { KilnError } from '../../model/errors.ts';

/** What `kiln image build --type vm` writes beside an image, and `kiln image push` reads: what Glance shall know of it. */
export interface ImageProperties {
  /** Of the image that this describes; hexadecimal. */
  sha512: string;
  minDiskGiB: number;
  minRamMiB: number;
  /** Glance properties: name → value. */
  properties: Readonly<Record<string, string>>;
}

const format = 'kiln-image-properties-1';

/** "amphora.qcow2" → "amphora.qcow2.properties.json". */
export function propertiesFileOf(imageFile: string): string {
  return `${imageFile}.properties.json`;
}

export function renderImageProperties(properties: ImageProperties): string {
  return `${JSON.stringify({ format, ...properties }, null, 2)}\n`;
}

/** @param file names the text in messages. @throws USAGE when it is something else. */
export function parseImageProperties(text: string, file: string): ImageProperties {
  const fault = (what: string) =>
    new KilnError('USAGE', `${file} ${what}`, {
      advice: 'Build the image again, or remove this file and name the properties with --property.',
    });
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw fault(`is not JSON: ${(cause as Error).message}`);
  }
  if (typeof document !== 'object' || document === null) throw fault('holds no JSON object');
  const { format: found, sha512, minDiskGiB, minRamMiB, properties } = document as Record<string, unknown>;
  if (found !== format) throw fault(`has format ${JSON.stringify(found) ?? 'none'}; known is "${format}"`);
  if (typeof sha512 !== 'string' || !/^[0-9a-f]{128}$/.test(sha512))
    throw fault('has no sha512 of 128 hexadecimal digits');
  const whole = (name: string, value: unknown): number => {
    if (Number.isSafeInteger(value) && Number(value) >= 0) return Number(value);
    throw fault(`has ${name} ${JSON.stringify(value) ?? 'none'}; allowed is a whole number from 0`);
  };
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties))
    throw fault('has no object "properties"');
  const strings = Object.entries(properties).map(([name, value]) => {
    if (typeof value !== 'string') throw fault(`has a property ${name} that is no string`);
    return [name, value] as const;
  });
  return {
    sha512,
    minDiskGiB: whole('minDiskGiB', minDiskGiB),
    minRamMiB: whole('minRamMiB', minRamMiB),
    properties: Object.fromEntries(strings),
  };
}
