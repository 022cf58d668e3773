/** The network namespace that an amphora agent has for its machine (testbed/agent). Needs root. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAmphoraAgentClient } from '../../src/adapters/amphora-agent/client.ts';
import type { AmphoraAddress, AmphoraAgent } from '../../src/ports/amphora-agent.ts';
import { createTestAuthority, type TestAuthority } from './certificate-authority.ts';

export const sandboxScripts = join(import.meta.dirname, '../../testbed/agent');

/** How long one waits until another run on this machine has taken its sandbox down. */
const TURN_SECONDS = 600;
/** What a hook that starts a sandbox has for that: its turn, and a start on a busy machine. */
export const SANDBOX_WITHIN_MS = (TURN_SECONDS + 120) * 1000;

export interface Sandbox {
  /** Runs a program in it, as its root. @returns its standard output. */
  run(program: string, arguments_: readonly string[]): string;
  stop(): Promise<void>;
}

/** @param arguments_ of run.sh: the folder, the address, and a command in place of Octavia's own agent. */
export async function startSandbox(arguments_: readonly string[], environment = process.env): Promise<Sandbox> {
  const env = { ...environment, KILN_AGENT_TURN_SECONDS: String(TURN_SECONDS) };
  const options = { stdio: ['pipe', 'pipe', 'inherit'] as ['pipe', 'pipe', 'inherit'], env };
  const script = spawn(join(sandboxScripts, 'run.sh'), arguments_, options);
  const exited = once(script, 'exit');
  const [line] = await Promise.race([
    once(createInterface({ input: script.stdout }), 'line'),
    exited.then(([status]) => Promise.reject(new Error(`testbed/agent/run.sh ended with status ${status}`))),
  ]);
  const parent = String(line).replace('ready ', '');
  return {
    run(program, words) {
      const first = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim();
      const enter = ['--target', first, '--mount', '--net', '--pid', program, ...words];
      return execFileSync('nsenter', enter, { encoding: 'utf8' });
    },
    async stop() {
      script.kill('SIGTERM');
      await exited;
    },
  };
}

export interface AgentOptions {
  id: string;
  address: string;
  /** Where it sends its heartbeats. */
  host: string;
  heartbeatPort: number;
  heartbeatKey: string;
  heartbeatIntervalSeconds: number;
  topology: string;
}

/** Writes what an agent and its controller need, but for the agent's own certificate, `etc/certs/server.pem`. */
export async function fillAgentFolder(
  folder: string,
  options: AgentOptions,
): Promise<{ authority: TestAuthority; configuration: string }> {
  const authority = await createTestAuthority(folder, 'ca');
  await authority.issueToFile(join(folder, 'client.pem'), 'controller');
  mkdirSync(join(folder, 'etc/certs'), { recursive: true });
  writeFileSync(join(folder, 'etc/certs/client_ca.pem'), readFileSync(authority.certificateFile));
  const configuration = agentConfiguration(options);
  writeFileSync(join(folder, 'etc/amphora-agent.conf'), configuration);
  return { authority, configuration };
}

function agentConfiguration(options: AgentOptions): string {
  return `[DEFAULT]
debug = true
use_syslog = false
[haproxy_amphora]
base_cert_dir = /var/lib/octavia/certs
base_path = /var/lib/octavia
bind_host = ${options.address}
bind_port = 9443
haproxy_cmd = /usr/sbin/haproxy
[health_manager]
controller_ip_port_list = ${options.host}:${options.heartbeatPort}
heartbeat_interval = ${options.heartbeatIntervalSeconds}
heartbeat_key = ${options.heartbeatKey}
[amphora_agent]
agent_server_ca = /etc/octavia/certs/client_ca.pem
agent_server_cert = /etc/octavia/certs/server.pem
agent_request_read_timeout = 180
amphora_id = ${options.id}
amphora_udp_driver = keepalived_lvs
agent_tls_protocol = TLSv1.2
[controller_worker]
loadbalancer_topology = ${options.topology}
`;
}

/** What asks the agent as a controller does, once it answers. @param folder has the controller's certificate, `client.pem`. */
export async function connectToAgent(
  folder: string,
  serverCaFile: string,
  amphora: AmphoraAddress,
): Promise<AmphoraAgent> {
  const agent = createAmphoraAgentClient(() => ({
    clientCertFile: join(folder, 'client.pem'),
    serverCaFile,
    port: 9443,
    connectTimeoutSeconds: 5,
    readTimeoutSeconds: 60,
    lbNetworkInterface: 'lo',
    tlsProtocol: 'TLSv1.2',
  }));
  await untilAnswers(agent, amphora);
  return agent;
}

export async function untilAnswers(agent: AmphoraAgent, amphora: AmphoraAddress): Promise<void> {
  while (!(await agent.getInfo(amphora).catch(() => null))) await sleep(100);
}
