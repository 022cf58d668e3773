import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomically } from '../lib/atomic-files.ts';

/** Where the agent keeps its configuration. All paths are as our own process sees them: below the amphora's root. */
export interface AgentFiles {
  /** A path as the controller names it → where it is here. */
  here(amphoraPath: string): string;
  /** [haproxy_amphora] base_path: HAProxy's working directory. */
  base: string;
  folderOf(loadBalancerId: string): string;
  certificatesOf(loadBalancerId: string): string;
}

/** @param root folder that the amphora's absolute paths are looked up in; "/" in a server of its own. */
export function createAgentFiles(root: string, paths: { basePath: string; baseCertDir: string }): AgentFiles {
  const here = (amphoraPath: string) => join(root, amphoraPath);
  return {
    here,
    base: here(paths.basePath),
    folderOf: (loadBalancerId) => join(here(paths.basePath), loadBalancerId),
    certificatesOf: (loadBalancerId) => join(here(paths.baseCertDir), loadBalancerId),
  };
}

/** Writes a file for its owner alone, and its folder. Readers see the old content or the new, also after a crash. */
export async function writeWhole(file: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFileAtomically(file, content);
}

/** For `readFile(…).catch(nullIfAbsent)`. */
export function nullIfAbsent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}
