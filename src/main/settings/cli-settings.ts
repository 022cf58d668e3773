import type { CliSettings } from '../../cli/context.ts';
import type { LoadedConfiguration } from '../../config/load.ts';

/** What commands show and use of the configuration. */
export function cliSettings({ config }: LoadedConfiguration): CliSettings {
  const { controller_worker: worker } = config;
  return {
    imageTag: worker.amp_image_tag || null,
    imageId: worker.amp_image_id || null,
    imageOwnerId: worker.amp_image_owner_id || null,
    imageTagPolicy: worker.amp_image_tag_policy,
    imageMaxAgeDays: config.kiln.image_max_age_days || null,
    flavorId: worker.amp_flavor_id || null,
    bootNetworkIds: worker.amp_boot_network_list,
    securityGroupIds: worker.amp_secgroup_list,
    keyName: worker.amp_ssh_key_name || null,
    availabilityZone: config.nova.availability_zone || null,
    agentPort: config.haproxy_amphora.bind_port,
  };
}
