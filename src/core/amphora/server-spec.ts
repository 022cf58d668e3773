import type { ServerSpec } from '../../model/compute.ts';
import { type AgentConfigurationSettings, renderAgentConfiguration } from './agent-configuration.ts';
import { renderUserData } from './cloud-init.ts';
import { type LogForwardingSettings, renderLogForwarding } from './log-forwarding.ts';

/** What of octavia.conf decides how an amphora's server is built. */
export interface ServerSettings {
  /** [controller_worker] amp_ssh_key_name; null for no key. */
  keyName: string | null;
  /** [controller_worker] amp_secgroup_list. */
  securityGroupIds: readonly string[];
  /** [controller_worker] amp_boot_network_list; the first one is the management network. */
  bootNetworkIds: readonly string[];
  /** [nova] availability_zone. */
  availabilityZone: string | null;
  /** [controller_worker] user_data_config_drive: files go as cloud-init user data, not as personality. */
  filesInUserData: boolean;
  /** [controller_worker] amp_timezone. */
  timezone: string;
  agent: AgentConfigurationSettings;
  logForwarding: Omit<LogForwardingSettings, 'userLogFacility' | 'administrativeLogFacility'>;
}

/** One amphora, with every choice made. */
export interface ServerRequest {
  amphoraId: string;
  /** From `nameServer`. */
  serverName: string;
  /** SINGLE or ACTIVE_STANDBY. */
  topology: string;
  imageId: string;
  computeFlavorId: string;
  /** The agent's certificate and key, from the certificate issuer. */
  certificate: { certificatePem: string; privateKeyPem: string };
  /** Text of [controller_worker] client_ca: who may talk to the agent. */
  clientCaPem: string;
  serverGroupId?: string | null;
  /** Ports to plug at boot, after the networks. */
  portIds?: readonly string[];
  /** From an Octavia availability zone: its compute zone, and the management network that replaces all boot networks. */
  zone?: { computeZone?: string; managementNetworkId?: string };
}

/** Where an amphora looks for its certificate (with key), for the CA of its controllers, and for its configuration. */
const paths = {
  serverPem: '/etc/octavia/certs/server.pem',
  clientCaPem: '/etc/octavia/certs/client_ca.pem',
  agentConfiguration: '/etc/octavia/amphora-agent.conf',
  logForwarding: '/etc/rsyslog.d/10-rsyslog.conf',
} as const;

/**
 * What Nova is asked for when an amphora is built, as Octavia asks
 * (octavia/controller/worker/v2/tasks/compute_tasks.py). User data is sent either way: it sets the time zone.
 * CONFIGURATION_INVALID when a setting can't be written into the amphora's files.
 */
export function buildServerSpec(settings: ServerSettings, request: ServerRequest): ServerSpec {
  const { userLogFacility, administrativeLogFacility } = settings.agent.amphoraAgent;
  const files = {
    [paths.serverPem]: joinPems(request.certificate.certificatePem, request.certificate.privateKeyPem),
    [paths.clientCaPem]: request.clientCaPem,
    [paths.agentConfiguration]: renderAgentConfiguration(settings.agent, {
      id: request.amphoraId,
      topology: request.topology,
    }),
    [paths.logForwarding]: renderLogForwarding({
      ...settings.logForwarding,
      userLogFacility,
      administrativeLogFacility,
    }),
  };
  const { computeZone, managementNetworkId } = request.zone ?? {};
  return {
    name: request.serverName,
    imageId: request.imageId,
    flavorId: request.computeFlavorId,
    keyName: settings.keyName,
    securityGroupIds: settings.securityGroupIds,
    networkIds: managementNetworkId ? [managementNetworkId] : settings.bootNetworkIds,
    portIds: request.portIds ?? [],
    availabilityZone: computeZone ?? settings.availabilityZone,
    serverGroupId: request.serverGroupId ?? null,
    files: settings.filesInUserData ? {} : files,
    userData: renderUserData(settings.filesInUserData ? files : {}, settings.timezone),
  };
}

function joinPems(...pems: string[]): string {
  return pems.map((pem) => `${pem.trimEnd()}\n`).join('');
}
