import type {
  Flavor,
  FlavorCapabilities,
  FlavorProfile,
  Zone,
  ZoneCapabilities,
  ZoneProfile,
} from '../model/flavor.ts';

export interface Flavors {
  flavor: Flavor;
  flavorProfile: FlavorProfile;
  availabilityZone: Zone;
  availabilityZoneProfile: ZoneProfile;
}
export type FlavorKind = keyof Flavors;

export interface FlavorListQuery {
  /** Model field → the value it must have. */
  filters: Readonly<Record<string, string | boolean>>;
  sort: readonly { field: string; direction: 'asc' | 'desc' }[];
  limit: number;
  /** The ID (a zone's name) that the page begins behind. */
  marker?: string;
  reverse?: boolean;
}

/** Flavors and availability zones with their profiles. Keys are IDs, and names for zones. */
export interface FlavorStore {
  list<Kind extends FlavorKind>(kind: Kind, query: FlavorListQuery): Promise<Flavors[Kind][]>;
  get<Kind extends FlavorKind>(kind: Kind, key: string): Promise<Flavors[Kind] | null>;
  /** RESOURCE_CONFLICT when another flavor or zone has the name (profiles may share one). */
  insert<Kind extends FlavorKind>(kind: Kind, row: Flavors[Kind]): Promise<void>;
  /**
   * RESOURCE_NOT_FOUND when there is none. RESOURCE_CONFLICT when another flavor has the name, and when more than the name of
   * a profile is to change that is in use.
   */
  update<Kind extends FlavorKind>(kind: Kind, key: string, patch: Partial<Flavors[Kind]>): Promise<Flavors[Kind]>;
  /**
   * RESOURCE_CONFLICT when it is in use: a profile by a flavor or zone, those by a load balancer. RESOURCE_NOT_FOUND when
   * there is none.
   */
  delete(kind: FlavorKind, key: string): Promise<void>;
  /** What a load balancer's flavor means; {} for null. RESOURCE_NOT_FOUND when there is no such flavor. */
  flavorCapabilities(flavorId: string | null): Promise<FlavorCapabilities>;
  /** What a load balancer's zone means; null for null. RESOURCE_NOT_FOUND when there is no such zone. */
  zoneCapabilities(zoneName: string | null): Promise<ZoneCapabilities | null>;
}
