import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { amphoraImageFormat, amphoraManifestFile } from '../model/amphora-image.ts';

/** What an image says of itself. */
export interface ImageManifest {
  name: string;
  version: string;
}

/**
 * Reads the manifest in the image that the agent runs from. Null where there is none: the agent runs from its sources.
 * @param directory where the agent's entry stands. Throws an Error when the manifest is not one.
 */
export async function readImageManifest(directory: string): Promise<ImageManifest | null> {
  const file = join(directory, amphoraManifestFile);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  const manifest = parse(text);
  if (manifest?.format !== amphoraImageFormat) throw new Error(`${file} is not a manifest of ${amphoraImageFormat}`);
  return { name: String(manifest.name), version: String(manifest.version) };
}

function parse(text: string): { format?: unknown; name?: unknown; version?: unknown } | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
