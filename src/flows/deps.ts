import type { ImageSettings } from '../core/amphora/choose-image.ts';
import type { ServerSettings } from '../core/amphora/server-spec.ts';
import type { ServerGroupPolicy } from '../model/compute.ts';

/** What of octavia.conf the flows of an amphora obey. Read anew by each flow, so that a reload takes effect. */
export interface AmphoraSettings {
  image: ImageSettings;
  server: ServerSettings;
  /** [controller_worker] amp_flavor_id. */
  flavorId: string;
  topology: string;
  randomNameLength: number;
  /** [nova] anti_affinity_policy; null unless enable_anti_affinity. */
  antiAffinityPolicy: ServerGroupPolicy | null;
  /** [certificates] cert_validity_time. */
  certificateValiditySeconds: number;
  /** Text of [controller_worker] client_ca. */
  clientCaPem: () => Promise<string>;
  /** amp_active_retries × amp_active_wait_sec: how long Nova may take. */
  activeWaitSeconds: number;
  /** amp_active_wait_sec: the longest pause between two looks. */
  activePauseSeconds: number;
  /** connection_max_retries × connection_retry_interval: how long the agent may take. */
  agentWaitSeconds: number;
  agentPauseSeconds: number;
  /** How long a server whose creation was never answered is looked for before it is taken not to exist. */
  createLookupSeconds: number;
}
