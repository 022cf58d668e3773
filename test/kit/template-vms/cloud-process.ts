/**
 * An embedded cloud whose servers are virtual machines, until its input ends:
 * cloud-process.ts STATE_FOLDER TEMPLATES_FOLDER NETWORK_NAMESPACE. Prints what a client has to know of it as one line of JSON.
 */
import { join } from 'node:path';
import { startCloud } from '../../../src/dev-cloud/cloud.ts';
import { bridgesIn } from '../bridged-network.ts';
import { createVirtualMachines } from './hypervisor.ts';
import { openTemplates } from './template.ts';

const [stateDirectory = '', templates = '', namespace = ''] = process.argv.slice(2);
const cloud = await startCloud({
  stateDirectory,
  createHypervisor: async () =>
    createVirtualMachines(join(stateDirectory, 'servers'), bridgesIn(namespace), openTemplates(templates)),
});
const { url, configurationFile, accounts } = cloud;
process.stdout.write(`${JSON.stringify({ url, configurationFile, account: accounts.kiln } satisfies CloudFacts)}\n`);
process.stdin.resume().once('end', () => {
  void cloud.close().then(() => process.exit());
});

export interface CloudFacts {
  url: string;
  configurationFile: string;
  account: {
    authUrl: string;
    userName: string;
    password: string;
    domainName: string;
    projectName: string;
    projectId: string;
  };
}
