import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

const unfinished = (file: string) => `${file}.partial`;

/**
 * Writes a file for its owner alone (0600). Readers see the old content or the new, never half of it, also after a crash. Once it has
 * resolved they see the new one: the folder is on the disk as well.
 */
export async function writeFileAtomically(file: string, content: string | Uint8Array): Promise<void> {
  const handle = await open(unfinished(file), 'w', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(unfinished(file), file);
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The same, without giving way to anything else. */
export function writeFileAtomicallySync(file: string, content: string): void {
  const descriptor = openSync(unfinished(file), 'w', 0o600);
  try {
    writeSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(unfinished(file), file);
  const folder = openSync(dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
