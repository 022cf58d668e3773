import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAmphoraAgentClient } from '../adapters/amphora-agent/client.ts';
import type { AmphoraAgentSettings } from '../adapters/amphora-agent/connection.ts';
import { createCertificateIssuer } from '../adapters/certificates/issuer.ts';
import { writeConfigDrive } from '../adapters/vm-image/config-drive.ts';
import { startVirtualMachine, type VirtualMachine } from '../adapters/vm-image/virtual-machine.ts';
import { loadConfiguration } from '../config/load.ts';
import { nameServer } from '../core/amphora/server-name.ts';
import { buildServerSpec } from '../core/amphora/server-spec.ts';
import { ensureAuthorities } from '../dev-cloud/authorities.ts';
import { KilnError } from '../model/errors.ts';
import type { AgentDetails, AgentInfo, AmphoraAgent } from '../ports/amphora-agent.ts';
import type { BuildReport } from '../ports/build-report.ts';
import type { Clock } from '../ports/clock.ts';
import { amphoraSettings } from './settings/amphora-settings.ts';

export interface ImageCheck {
  /** From the start of the virtual machine until its agent answered over mutual TLS. */
  answeredAfterSeconds: number;
  /** False: QEMU emulated the processor, which takes many times as long. */
  accelerated: boolean;
  info: AgentInfo;
  details: AgentDetails;
}

export interface ImageCheckOptions {
  /** qcow2. */
  disk: string;
  withinSeconds: number;
  /** Where the console's text goes when the agent does not answer. */
  consoleFile: string;
  memoryMiB: number;
  clock: Clock;
  signal: AbortSignal;
  report: BuildReport;
}

const workParent = '/var/tmp';
const pauseMs = 1000;

/**
 * Boots an image once, with the config drive that a boot by Nova would get (the certificate, the agent's configuration, the user data:
 * all by the code that boots amphorae), and has its agent answer with its version and details. IMAGE_CHECK_FAILED when it does not in
 * time: the console's text is kept then.
 */
export async function checkImage(options: ImageCheckOptions): Promise<ImageCheck> {
  const { clock, signal, report, consoleFile } = options;
  const folder = await mkdtemp(join(workParent, 'kiln-image-check-'));
  const step = report.step('boot');
  let machine: VirtualMachine | null = null;
  try {
    const amphoraId = randomUUID();
    const prepared = await prepareBoot(folder, amphoraId, clock, signal);
    const serialLog = join(folder, 'console.log');
    const started = clock.monotonicMs();
    machine = await startVirtualMachine({ ...prepared, ...options, serialLog });
    const agent = createAmphoraAgentClient(() => ({ ...prepared.agent, port: machine?.agentPort ?? 0 }));
    try {
      const answer = await untilAnswered(agent, amphoraId, machine, { ...options, started });
      const answeredAfterSeconds = Math.round((clock.monotonicMs() - started) / 100) / 10;
      const how = machine.accelerated() ? '' : ', emulated (no KVM that works here)';
      step.done(`HAProxy ${answer.info.haproxyVersion}, agent API ${answer.info.apiVersion}${how}`);
      return { answeredAfterSeconds, accelerated: machine.accelerated(), ...answer };
    } catch (error) {
      if (signal.aborted) throw error;
      await copyFile(serialLog, consoleFile).catch(() => undefined);
      throw error;
    }
  } catch (error) {
    step.fail();
    if (signal.aborted) throw new KilnError('CANCELLED', 'the check was interrupted', { cause: error });
    throw error;
  } finally {
    await machine?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Certificates, configuration and config drive of one amphora that belongs to no cloud. */
async function prepareBoot(folder: string, amphoraId: string, clock: Clock, signal: AbortSignal) {
  const passphrase = randomUUID();
  const files = await ensureAuthorities(join(folder, 'certificates'), passphrase, false);
  const configurationFile = join(folder, 'octavia.conf');
  await writeFile(
    configurationFile,
    `[controller_worker]\namp_flavor_id = check\nclient_ca = ${files.clientCa}\n[health_manager]\ncontroller_ip_port_list = 10.0.2.2:5555\nheartbeat_key = ${randomUUID()}\n`,
    { mode: 0o600 },
  );
  const { config } = loadConfiguration({ configFiles: [configurationFile], configDirs: [], environment: {} });
  const settings = amphoraSettings(config);
  const issuer = createCertificateIssuer(
    {
      caCertificateFile: files.serverCa,
      caPrivateKeyFile: files.serverCaKey,
      caPrivateKeyPassphrase: passphrase,
      signingDigest: 'sha256',
    },
    clock,
  );
  const serverName = nameServer(amphoraId, 0, () => 0);
  const spec = buildServerSpec(settings.server, {
    amphoraId,
    serverName,
    topology: settings.topology,
    imageId: 'check',
    computeFlavorId: settings.flavorId,
    certificate: await issuer.issueAgentCertificate(amphoraId, settings.certificateValiditySeconds),
    clientCaPem: await settings.clientCaPem(),
  });
  const macAddress = 'fa:16:3e:00:00:01';
  const configDrive = join(folder, 'config-drive.iso');
  const driveFolder = join(folder, 'config-drive');
  await mkdir(driveFolder);
  const { files: injected, userData } = spec;
  const [serverId, portId, networkId] = [randomUUID(), randomUUID(), randomUUID()];
  const interfaces = [{ portId, networkId, macAddress, mtu: 1450, addresses: 'dhcp' as const }];
  await writeConfigDrive(
    { serverId, hostname: serverName, files: injected, userData, interfaces },
    driveFolder,
    configDrive,
    signal,
  );
  const agent: Omit<AmphoraAgentSettings, 'port'> = {
    clientCertFile: files.clientCertificate,
    serverCaFile: files.serverCa,
    connectTimeoutSeconds: 30,
    readTimeoutSeconds: 60,
    lbNetworkInterface: '',
    tlsProtocol: config.amphora_agent.agent_tls_protocol,
  };
  return { configDrive, macAddress, agent, guestPort: config.haproxy_amphora.bind_port };
}

async function untilAnswered(
  agent: AmphoraAgent,
  id: string,
  machine: VirtualMachine,
  { clock, signal, withinSeconds, consoleFile, started }: ImageCheckOptions & { started: number },
): Promise<{ info: AgentInfo; details: AgentDetails }> {
  const amphora = { id, address: '127.0.0.1' };
  let last: unknown;
  while (clock.monotonicMs() - started < withinSeconds * 1000 && machine.ended() === null) {
    try {
      return { info: await agent.getInfo(amphora, signal), details: await agent.getDetails(amphora, signal) };
    } catch (error) {
      signal.throwIfAborted();
      last = error;
    }
    await clock.sleep(pauseMs, signal);
  }
  const why =
    machine.ended() ?? `its agent did not answer within ${withinSeconds} seconds (${(last as Error)?.message})`;
  throw new KilnError('IMAGE_CHECK_FAILED', `the image was booted, and ${why}`, {
    advice: `What it said on its console is in ${consoleFile}; for a slow machine give more time with --check-within SECONDS.`,
    cause: last,
  });
}
