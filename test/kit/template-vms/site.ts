import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { addBridge, bridgesIn } from '../bridged-network.ts';
import { freePort } from '../free-port.ts';
import { logIn } from '../testbed-access.ts';
import { neutronAt } from '../testbed-network.ts';
import type { VmSite } from '../vm-cloud.ts';
import type { CloudFacts } from './cloud-process.ts';
import { memoryMiB } from './machine.ts';

/** An embedded cloud whose servers are virtual machines that begin from a template. */
export interface TemplateSite extends VmSite {
  /** Of `kiln serve` on it. */
  environment: Record<string, string>;
  close(): Promise<void>;
}

/** Of the management network: that of the controller, and what Neutron gives away. */
const management = { cidr: '198.18.90.0/24', controller: '198.18.90.1', first: '198.18.90.10', last: '198.18.90.250' };
const program = join(import.meta.dirname, 'cloud-process.ts');

/**
 * Starts the cloud, with bridges in a network namespace of their own; the management network's reaches this machine. Needs root.
 * @param name short: interfaces and the namespace bear it. @param templates folder that keeps templates between runs.
 */
export async function openTemplateSite(name: string, templates: string): Promise<TemplateSite> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-vms-'));
  const namespace = `kiln-${name}`;
  const bridges = bridgesIn(namespace);
  const ip = (...words: string[]) => execFileSync('ip', words, { stdio: 'pipe' });
  const uplink = `${name}-up`;
  function removeNetworks(): void {
    // Machines that a run that broke off has left.
    for (const pid of spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' }).stdout.split('\n'))
      if (pid !== '') process.kill(Number(pid), 'SIGKILL');
    spawnSync('ip', ['netns', 'delete', namespace]);
    spawnSync('ip', ['link', 'delete', uplink]);
  }
  removeNetworks();
  ip('netns', 'add', namespace);

  const stateFolder = join(folder, 'cloud');
  const cloud = spawn(process.execPath, [program, stateFolder, templates, namespace], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: cloud.stdout });
  const ended = once(cloud, 'close');
  const [line] = (await Promise.race([once(lines, 'line'), ended.then(() => [])])) as string[];
  if (line === undefined) throw new Error('the embedded cloud did not start');
  // What it says of templates.
  lines.on('line', (text) => console.log(text));
  const { url, configurationFile, account } = JSON.parse(line) as CloudFacts;
  const endpoints = { image: `${url}/image`, compute: `${url}/compute/v2.1`, network: `${url}/network` };
  const token = await logIn(account.authUrl, { ...account, name: account.userName });

  const sshPrivateKey = join(folder, 'ssh-key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', sshPrivateKey]);
  const nova = async (path: string, body: object) => {
    const headers = { 'x-auth-token': token, 'content-type': 'application/json' };
    const answer = await fetch(`${endpoints.compute}/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
  };
  await nova('os-keypairs', { keypair: { name, public_key: readFileSync(`${sshPrivateKey}.pub`, 'utf8') } });
  await nova('flavors', { flavor: { id: name, name, ram: memoryMiB, vcpus: 1, disk: 2 } });
  const networkId = await makeManagementNetwork();
  const port = await freePort();

  async function makeManagementNetwork(): Promise<string> {
    const neutron = neutronAt(endpoints.network, token);
    const { network } = await neutron<{ network: { id: string } }>('POST', 'networks', { network: { name } });
    await neutron('POST', 'subnets', {
      subnet: {
        ...{ name, network_id: network.id, ip_version: 4, cidr: management.cidr, gateway_ip: null, enable_dhcp: false },
        allocation_pools: [{ start: management.first, end: management.last }],
      },
    });
    addBridge(bridges, network.id);
    ip('link', 'add', uplink, 'type', 'veth', 'peer', 'name', uplink, 'netns', namespace);
    ip('-n', namespace, 'link', 'set', uplink, 'master', bridges.nameOf(network.id), 'up');
    ip('address', 'add', `${management.controller}/24`, 'dev', uplink);
    ip('link', 'set', uplink, 'up');
    return network.id;
  }

  return {
    endpoints,
    projectId: account.projectId,
    octaviaConf: configurationFile,
    sshPrivateKey,
    bridges,
    // It boots and answers faster.
    agent: process.env.KILN_VM_AGENT || 'kiln',
    token: async () => token,
    environment: {
      OS_CONTROLLER_WORKER__AMP_BOOT_NETWORK_LIST: networkId,
      OS_CONTROLLER_WORKER__AMP_FLAVOR_ID: name,
      OS_CONTROLLER_WORKER__AMP_SSH_KEY_NAME: name,
      // Emulated processors are slow, and this machine may be busy.
      OS_HAPROXY_AMPHORA__CONNECTION_MAX_RETRIES: '600',
      OS_HEALTH_MANAGER__BIND_IP: management.controller,
      OS_HEALTH_MANAGER__BIND_PORT: `${port}`,
      OS_HEALTH_MANAGER__CONTROLLER_IP_PORT_LIST: `${management.controller}:${port}`,
    },
    async close() {
      cloud.stdin.end();
      await ended;
      removeNetworks();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
