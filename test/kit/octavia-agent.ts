import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AmphoraAddress, AmphoraAgent } from '../../src/ports/amphora-agent.ts';
import { connectToAgent, fillAgentFolder, sandboxScripts, startSandbox } from './agent-sandbox.ts';

/** Why Octavia's agent can't have a machine of its own here; null when it can: root, and namespaces that may be made. */
export const agentIsImpossible = ((): string | null => {
  if (process.getuid?.() !== 0) return 'needs root: it runs in namespaces of its own';
  const probe = 'ip link add probe type bridge && mount -t tmpfs tmpfs /mnt';
  const { status, stderr } = spawnSync(
    'unshare',
    ['--net', '--mount', '--pid', '--fork', '--mount-proc', 'sh', '-c', probe],
    { encoding: 'utf8' },
  );
  return status === 0 ? null : `needs namespaces, which this machine does not let us make: ${stderr.trim()}`;
})();
if (agentIsImpossible) console.warn(`skipped, Octavia's agent: ${agentIsImpossible}`);

/** Octavia's own agent in a network namespace, sending heartbeats to this machine's end of its bridge. Needs root. */
export interface OctaviaAgent {
  agent: AmphoraAgent;
  amphora: AmphoraAddress;
  /** Where it sends its heartbeats: an address of ours, which the amphora reaches members at, too. */
  host: string;
  heartbeatPort: number;
  heartbeatKey: string;
  /** Has one more network interface appear in the amphora, and tells its MAC address. */
  attachInterface(): string;
  /** Runs a program in the amphora, as root. @returns its standard output. */
  inside(program: string, ...arguments_: string[]): string;
  close(): Promise<void>;
}

/**
 * @param options.topology ACTIVE_STANDBY: it leaves the VIP to keepalived.
 * @param options.beside one more, on the network of one that runs.
 */
export async function startOctaviaAgent(options: {
  heartbeatIntervalSeconds: number;
  topology?: 'SINGLE' | 'ACTIVE_STANDBY';
  beside?: boolean;
}): Promise<OctaviaAgent> {
  const { beside = false, topology = 'SINGLE' } = options;
  const environment = { ...process.env, KILN_AGENT_BESIDE: beside ? '2' : '' };
  const folder = mkdtempSync(join(tmpdir(), 'kiln-octavia-agent-'));
  const own = {
    host: '169.254.77.1',
    address: `169.254.77.1${beside ? 2 : 1}`,
    heartbeatPort: 5555,
    heartbeatKey: 'insecure',
  };
  const id = randomUUID();
  const { authority } = await fillAgentFolder(folder, { ...own, ...options, topology, id });
  await authority.issueToFile(join(folder, 'etc/certs/server.pem'), id);

  const sandbox = await startSandbox([folder, own.address], environment);
  const amphora = { id, address: own.address };
  const agent = await connectToAgent(folder, authority.certificateFile, amphora);
  let attached = 0;
  return {
    ...own,
    agent,
    amphora,
    attachInterface: () =>
      execFileSync(join(sandboxScripts, 'attach.sh'), [`new${attached++}`], {
        encoding: 'utf8',
        env: environment,
      }).trim(),
    inside: (program, ...arguments_) => sandbox.run(program, arguments_),
    async close() {
      await sandbox.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
