import { chmod, copyFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { agentProgram } from '../amphora-image/build.ts';
import type { FurtherComponent } from './bill-of-materials.ts';
import { runTool } from './run-tool.ts';
import { epochSeconds } from './tree.ts';

const folder = 'usr/lib/kiln/agent';

/**
 * Puts Kiln's own agent into an unpacked tree: the agent as one file, and the Node that we run on ourselves, with which it is tested.
 * IMAGE_BUILD_FAILED when that Node does not run there, as one that is linked with libraries of this machine.
 */
export async function installOwnAgent(tree: string, signal: AbortSignal): Promise<void> {
  const [agent, node] = [join(tree, folder, 'agent.mjs'), join(tree, folder, 'node')];
  await writeFile(agent, await agentProgram());
  await copyFile(process.execPath, node);
  await Promise.all([chmod(agent, 0o644), chmod(node, 0o755)]);
  for (const path of [agent, node, join(tree, folder)]) await utimes(path, epochSeconds, epochSeconds);
  await runTool('chroot', [tree, `/${folder}/node`, '--check', `/${folder}/agent.mjs`], { signal });
}

export function ownComponents(kilnVersion: string): FurtherComponent[] {
  return [
    { name: 'kiln-amphora-agent', version: kilnVersion, licence: 'Apache-2.0' },
    { name: 'node', version: process.versions.node, licence: 'MIT' },
  ];
}
