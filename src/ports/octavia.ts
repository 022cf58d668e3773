import type {
  NewOctaviaLoadBalancer,
  OctaviaAmphora,
  OctaviaFlavor,
  OctaviaFlavorProfile,
  OctaviaLoadBalancer,
  OctaviaStatusTree,
} from '../model/octavia.ts';

/**
 * Octavia's API, with an administrator's rights. Errors are ServiceError: SERVICE_CONFLICT where a load balancer is busy (409),
 * SERVICE_NOT_FOUND where something is gone.
 */
export interface OctaviaService {
  /** Of all projects. */
  listLoadBalancers(
    query?: { provisioningStatus?: string; name?: string },
    signal?: AbortSignal,
  ): Promise<OctaviaLoadBalancer[]>;
  getLoadBalancer(id: string): Promise<OctaviaLoadBalancer>;
  /** All but those that are deleted. */
  listAmphorae(query?: { loadBalancerId?: string }, signal?: AbortSignal): Promise<OctaviaAmphora[]>;
  getStatusTree(loadBalancerId: string): Promise<OctaviaStatusTree>;
  /** Connections and request errors, ever since. */
  getStatistics(loadBalancerId: string): Promise<{ connections: number; requestErrors: number }>;
  /** Begins it, and is sent once: when the answer is lost, only the amphorae tell whether it was carried out. */
  failoverLoadBalancer(id: string): Promise<void>;
  /** As failoverLoadBalancer; the load balancer must be ACTIVE. */
  failoverAmphora(id: string): Promise<void>;

  listFlavors(): Promise<OctaviaFlavor[]>;
  listFlavorProfiles(): Promise<OctaviaFlavorProfile[]>;
  createFlavorProfile(profile: Omit<OctaviaFlavorProfile, 'id'>): Promise<OctaviaFlavorProfile>;
  createFlavor(flavor: Omit<OctaviaFlavor, 'id'>): Promise<OctaviaFlavor>;
  /** Idempotent: one that is gone is success. So are those below. */
  deleteFlavor(id: string): Promise<void>;
  deleteFlavorProfile(id: string): Promise<void>;
  createLoadBalancer(wanted: NewOctaviaLoadBalancer): Promise<OctaviaLoadBalancer>;
  /** With all that is below it. */
  deleteLoadBalancer(id: string): Promise<void>;
}
