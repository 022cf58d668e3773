import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  type ImageProperties,
  parseImageProperties,
  propertiesFileOf,
} from '../../../core/amphora/image-properties.ts';
import { KilnError } from '../../../model/errors.ts';
import { defineCommand } from '../../command.ts';
import { parseChoice, parseProperty, parseTag, parseWhole } from '../../options.ts';
import { pushImage } from './push-image.ts';
import { renderImage } from './render.ts';

const visibilities = ['public', 'private', 'shared', 'community'] as const;
const diskFormats = ['raw', 'qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'ami', 'iso'] as const;

interface Options {
  /** False: --no-tag. */
  tag?: string | false;
  name?: string;
  minDisk?: number;
  minRam?: number;
  visibility?: (typeof visibilities)[number];
  property?: (readonly [string, string])[];
  diskFormat?: (typeof diskFormats)[number];
  activeWithin?: number;
}

/** "amphora-x64-haproxy.qcow2" → "amphora-x64-haproxy". */
function nameFromFile(file: string): string {
  return basename(file).replace(/\.(qcow2|raw|img|vmdk|vhdx?|vdi|iso|tar|tgz|tar\.gz)$/i, '');
}

/** What `kiln image build` wrote beside the image; null where there is nothing. */
async function readImageProperties(image: string): Promise<ImageProperties | null> {
  const file = propertiesFileOf(image);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new KilnError('USAGE', `${file} can't be read: ${(cause as Error).message}`, {
      advice: 'It describes the image; make it readable, or remove it.',
      cause,
    });
  }
  return parseImageProperties(text, file);
}

export const imagePush = defineCommand<Options>({
  noun: 'image',
  verb: 'push',
  summary: 'Upload an image, check it, and tag it when it is active',
  description:
    'The record is made, the data sent, its size and hash compared with what Glance stored, and the tag set last: an ' +
    'image that carries the tag is whole. When anything fails the record is removed again. Where `kiln image build` wrote ' +
    'FILE.properties.json, its properties and sizes are set, unless options here say otherwise, and its hash must be the file’s.',
  arguments: [{ name: 'FILE', help: 'the image' }],
  options: [
    { flags: '--tag <tag>', help: 'the tag to set; required unless --no-tag is given', parse: parseTag },
    { flags: '--no-tag', help: 'set no tag: to test the image first (`kiln amphora boot --image ID`)' },
    { flags: '--name <name>', help: 'name of the image (default: the name of the file)' },
    { flags: '--min-disk <GiB>', help: 'smallest root disk', parse: parseWhole('--min-disk', 0, 2 ** 31 - 1) },
    { flags: '--min-ram <MiB>', help: 'smallest memory', parse: parseWhole('--min-ram', 0, 2 ** 31 - 1) },
    {
      flags: '--visibility <visibility>',
      help: `one of ${visibilities.join(', ')} (default: private)`,
      parse: parseChoice('--visibility', visibilities),
    },
    {
      flags: '--property <key=value>',
      help: 'set a property, such as hw_architecture=x86_64; may be repeated',
      repeatable: true,
      parse: parseProperty,
    },
    {
      flags: '--disk-format <format>',
      help: `one of ${diskFormats.join(', ')} (default: detected from the file)`,
      parse: parseChoice('--disk-format', diskFormats),
    },
    {
      flags: '--active-within <seconds>',
      help: 'how long Glance may take after the upload (default: 300)',
      parse: parseWhole('--active-within', 1, 86_400),
    },
  ],
  examples: [
    'kiln image push amphora-x64-haproxy.qcow2 --tag amphora',
    'kiln image push new.qcow2 --no-tag --name amphora-2026.2',
  ],
  exits: ['noUsableImage', 'cloudUnreachable', 'bootFailed'],
  async run({ arguments: [file = ''], options, context, progress, clock, signal }) {
    const { tag, visibility = 'private', minDisk, minRam, property } = options;
    if (tag === undefined) {
      throw new KilnError('USAGE', '--tag is missing', {
        advice: 'Say which tag the image shall carry (--tag amphora), or --no-tag to set none.',
      });
    }
    const described = await readImageProperties(file);
    const minDiskGiB = minDisk ?? described?.minDiskGiB;
    const minRamMiB = minRam ?? described?.minRamMiB;
    const image = await pushImage(
      {
        file,
        describedSha512: described?.sha512 ?? null,
        tag: tag === false ? null : tag,
        diskFormat: options.diskFormat ?? null,
        activeWithinSeconds: options.activeWithin ?? 300,
        image: {
          name: options.name ?? nameFromFile(file),
          containerFormat: 'bare',
          visibility,
          ...(minDiskGiB !== undefined && { minDiskGiB }),
          ...(minRamMiB !== undefined && { minRamMiB }),
          properties: { ...described?.properties, ...Object.fromEntries(property ?? []) },
        },
      },
      { images: await context.images(), progress, clock, signal },
    );
    return { document: image, ids: [image.id], render: (view) => renderImage(image, view) };
  },
});
