import type { Flavor, FlavorProfile, Zone, ZoneProfile } from '../../../model/flavor.ts';

export const flavorToWire = (flavor: Flavor) => ({
  id: flavor.id,
  name: flavor.name,
  description: flavor.description,
  enabled: flavor.enabled,
  flavor_profile_id: flavor.flavorProfileId,
});

export const flavorProfileToWire = (profile: FlavorProfile) => ({
  id: profile.id,
  name: profile.name,
  provider_name: profile.providerName,
  flavor_data: profile.flavorData,
});

export const zoneToWire = (zone: Zone) => ({
  name: zone.name,
  description: zone.description,
  enabled: zone.enabled,
  availability_zone_profile_id: zone.availabilityZoneProfileId,
});

export const zoneProfileToWire = (profile: ZoneProfile) => ({
  id: profile.id,
  name: profile.name,
  provider_name: profile.providerName,
  availability_zone_data: profile.availabilityZoneData,
});
