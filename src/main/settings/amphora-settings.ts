import { readFileSync } from 'node:fs';
import type { Configuration } from '../../config/options/index.ts';
import type { ImageSettings } from '../../core/amphora/choose-image.ts';
import { shortestRandomName } from '../../core/amphora/server-name.ts';
import type { ServerSettings } from '../../core/amphora/server-spec.ts';
import type { AmphoraSettings } from '../../flows/deps.ts';
import { KilnError } from '../../model/errors.ts';

/** octavia.conf, narrowed to what the flows of an amphora need. An option that is not set is an empty string there. */
export function amphoraSettings(configuration: Configuration): AmphoraSettings {
  const { controller_worker: worker, haproxy_amphora: haproxy, nova, kiln, certificates } = configuration;
  if (!worker.amp_flavor_id && worker.compute_driver === 'compute_nova_driver') {
    throw new KilnError('CONFIGURATION_INVALID', '[controller_worker] amp_flavor_id is not set: Nova needs a flavor', {
      advice: "Set it to the ID of the amphorae's Nova flavor: `openstack flavor list --all`.",
    });
  }
  return {
    image: imageSettings(configuration),
    server: serverSettings(configuration),
    flavorId: worker.amp_flavor_id ?? '',
    topology: worker.loadbalancer_topology,
    antiAffinityPolicy: nova.enable_anti_affinity ? nova.anti_affinity_policy : null,
    randomNameLength:
      nova.random_amphora_name_length === 0 ? 0 : Math.max(shortestRandomName, nova.random_amphora_name_length),
    certificateValiditySeconds: certificates.cert_validity_time,
    clientCaPem: async () => readClientCa(worker.client_ca),
    activeWaitSeconds: worker.amp_active_retries * worker.amp_active_wait_sec,
    activePauseSeconds: worker.amp_active_wait_sec,
    agentWaitSeconds: haproxy.connection_max_retries * haproxy.connection_retry_interval,
    agentPauseSeconds: haproxy.connection_retry_interval,
    createLookupSeconds: kiln.create_lookup_seconds,
  };
}

export function imageSettings({ controller_worker: worker }: Configuration): ImageSettings {
  return {
    ampImageId: worker.amp_image_id ?? '',
    ampImageTag: worker.amp_image_tag ?? '',
    ampImageOwnerId: worker.amp_image_owner_id ?? '',
    ampImageTagPolicy: worker.amp_image_tag_policy,
  };
}

function serverSettings(configuration: Configuration): ServerSettings {
  const {
    controller_worker: worker,
    haproxy_amphora: haproxy,
    health_manager: health,
    amphora_agent: agent,
  } = configuration;
  return {
    keyName: worker.amp_ssh_key_name,
    securityGroupIds: worker.amp_secgroup_list,
    bootNetworkIds: worker.amp_boot_network_list,
    availabilityZone: configuration.nova.availability_zone,
    filesInUserData: worker.user_data_config_drive,
    timezone: worker.amp_timezone,
    agent: {
      debug: configuration.DEFAULT.debug,
      haproxyAmphora: {
        baseCertDir: haproxy.base_cert_dir,
        basePath: haproxy.base_path,
        bindHost: haproxy.bind_host,
        bindPort: haproxy.bind_port,
        haproxyCmd: haproxy.haproxy_cmd,
      },
      healthManager: {
        controllerIpPortList: health.controller_ip_port_list,
        heartbeatIntervalSeconds: health.heartbeat_interval,
        heartbeatKey: health.heartbeat_key,
      },
      amphoraAgent: {
        agentServerCa: agent.agent_server_ca,
        agentServerCert: agent.agent_server_cert,
        agentServerNetworkDir: agent.agent_server_network_dir,
        agentRequestReadTimeoutSeconds: agent.agent_request_read_timeout,
        amphoraUdpDriver: agent.amphora_udp_driver,
        agentTlsProtocol: agent.agent_tls_protocol,
        userLogFacility: agent.user_log_facility,
        administrativeLogFacility: agent.administrative_log_facility,
      },
    },
    logForwarding: {
      adminLogTargets: agent.admin_log_targets,
      tenantLogTargets: agent.tenant_log_targets,
      logProtocol: agent.log_protocol,
      logRetryCount: agent.log_retry_count,
      logRetryIntervalSeconds: agent.log_retry_interval,
      logQueueSize: agent.log_queue_size,
      forwardAllLogs: agent.forward_all_logs,
      disableLocalLogStorage: agent.disable_local_log_storage,
    },
  };
}

/** A small file on this host: five calls by way of other threads would cost each boot more than the wait. */
function readClientCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new KilnError(
      'CERTIFICATE_AUTHORITY_UNUSABLE',
      `[controller_worker] client_ca: cannot read ${file}: ${(cause as Error).message}`,
      { cause, advice: 'It names the PEM file of the authority that signed [haproxy_amphora] client_cert.' },
    );
  }
}
