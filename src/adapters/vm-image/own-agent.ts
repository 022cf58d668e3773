import { chmod, copyFile, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KilnError } from '../../model/errors.ts';
import { agentProgram } from '../amphora-image/build.ts';
import type { FurtherComponent } from './bill-of-materials.ts';
import { runTool } from './run-tool.ts';
import { epochSeconds } from './tree.ts';

const folder = 'usr/lib/kiln/agent';

/**
 * Puts Kiln's own agent into an unpacked tree: the agent as one file, and the Node that we run on ourselves, with which it is tested.
 * IMAGE_BUILD_FAILED when that Node does not run there with the options that its service gives it, as one that is linked with libraries of
 * this machine.
 */
export async function installOwnAgent(tree: string, signal: AbortSignal): Promise<void> {
  const [agent, node] = [join(tree, folder, 'agent.mjs'), join(tree, folder, 'node')];
  await writeFile(agent, await agentProgram());
  await copyFile(process.execPath, node);
  await Promise.all([chmod(agent, 0o644), chmod(node, 0o755)]);
  for (const path of [agent, node, join(tree, folder)]) await utimes(path, epochSeconds, epochSeconds);
  const service = await readFile(join(tree, 'etc/systemd/system/amphora-agent.service'), 'utf8');
  const words = ['--check', ...nodeOptions(service), `/${folder}/agent.mjs`];
  await runTool('chroot', [tree, `/${folder}/node`, ...words], { signal });
}

/** Of the agent's service. */
export function nodeOptions(service: string): string[] {
  const [, options] = /^ExecStart=\S+\/node (.*?)\/\S+\/agent\.mjs /m.exec(service) ?? [];
  if (options === undefined) throw new KilnError('INTERNAL', "the agent's service starts no Node with an agent.mjs");
  return options.split(' ').filter((word) => word !== '');
}

export function ownComponents(kilnVersion: string): FurtherComponent[] {
  return [
    { name: 'kiln-amphora-agent', version: kilnVersion, licence: 'Apache-2.0' },
    { name: 'node', version: process.versions.node, licence: 'MIT' },
  ];
}
