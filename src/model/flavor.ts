/**
 * What the operator offers under a name: flavors and availability zones of Octavia, each with a profile that holds what
 * they mean to the provider.
 */

/** Capabilities that a flavor profile may have (octavia/api/drivers/amphora_driver/flavor_schema.py). */
export interface FlavorCapabilities {
  loadbalancer_topology?: 'SINGLE' | 'ACTIVE_STANDBY';
  /** ID of a Nova flavor. */
  compute_flavor?: string;
  /** Tag in Glance of the image that its amphorae boot. Empty: as the configuration says. */
  amp_image_tag?: string;
  sriov_vip?: boolean;
  allow_member_sriov?: boolean;
}

/** What an availability zone profile may say (octavia/api/drivers/amphora_driver/availability_zone_schema.py). */
export interface ZoneCapabilities {
  /** Nova's zone. */
  compute_zone: string;
  volume_zone?: string;
  management_network?: string;
  /** IDs of networks that VIPs may be in. */
  valid_vip_networks?: readonly string[];
}

export interface FlavorProfile {
  id: string;
  name: string;
  providerName: string;
  /** JSON text, as it was given: the API shows it so. */
  flavorData: string;
}

export interface Flavor {
  id: string;
  name: string;
  description: string;
  enabled: boolean;
  flavorProfileId: string;
}

export interface ZoneProfile {
  id: string;
  name: string;
  providerName: string;
  /** JSON text, as it was given. */
  availabilityZoneData: string;
}

/** Known by its name. */
export interface Zone {
  name: string;
  description: string;
  enabled: boolean;
  availabilityZoneProfileId: string;
}
