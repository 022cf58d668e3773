import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { agentProgram } from '../amphora-image/build.ts';
import type { FurtherComponent } from './bill-of-materials.ts';

/**
 * Puts what an image with Kiln's own agent has beside Debian's packages into a new folder: the agent as one file, and the Node that we run
 * on ourselves, with which it is tested. @returns the folder.
 */
export async function stageOwnAgent(folder: string): Promise<string> {
  await mkdir(folder);
  await writeFile(join(folder, 'agent.mjs'), await agentProgram());
  await copyFile(process.execPath, join(folder, 'node'));
  return folder;
}

export function ownComponents(kilnVersion: string): FurtherComponent[] {
  return [
    { name: 'kiln-amphora-agent', version: kilnVersion, licence: 'Apache-2.0' },
    { name: 'node', version: process.versions.node, licence: 'MIT' },
  ];
}
