import type { ImageChoice } from './image.ts';

/** Octavia's amphora statuses that Kiln uses (octavia/common/constants.py). */
export const amphoraStatuses = ['BOOTING', 'READY', 'ALLOCATED', 'PENDING_DELETE', 'DELETED', 'ERROR'] as const;
export type AmphoraStatus = (typeof amphoraStatuses)[number];

/** Octavia's roles: STANDALONE serves a load balancer alone. */
export const amphoraRoles = ['STANDALONE', 'MASTER', 'BACKUP'] as const;
export type AmphoraRole = (typeof amphoraRoles)[number];

/** Time each part of a boot took, in milliseconds: of its last try, where there were several. Parts not reached are absent. */
export type BootTimings = {
  chooseMs?: number;
  createMs?: number;
  activeMs?: number;
  agentMs?: number;
};

/** One amphora as Kiln records it. Times are ISO 8601 UTC. */
export interface Amphora {
  id: string;
  /** The load balancer it serves; null for one that `kiln amphora boot` made. */
  loadBalancerId: string | null;
  role: AmphoraRole | null;
  /** Its own port in the VIP's network, and that port's address. */
  vrrpPortId: string | null;
  vrrpIp: string | null;
  /** The VIP and its port. */
  haPortId: string | null;
  haIp: string | null;
  status: AmphoraStatus;
  /** Name of the server in Nova: written down before Nova is asked, so that no server is ever unknown. */
  serverName: string;
  /** Nova's server ID; null until Nova has answered. */
  computeId: string | null;
  /** Management address, on the first boot network. */
  lbNetworkIp: string | null;
  imageId: string | null;
  /** Which image was chosen and why; null until it is. */
  imageChoice: ImageChoice | null;
  computeFlavor: string | null;
  cachedZone: string | null;
  /** End of the agent's certificate. */
  certExpiration: string | null;
  /** What the agent said it is. */
  agentVersion: string | null;
  timings: BootTimings;
  /**
   * While it is booted for `kiln amphora boot`: the process that was asked. Kiln 0.2 and before undoes what names no living process of its host;
   * and only by this field is it known which boots of theirs were left by a process that died.
   */
  worker: string | null;
  /** Why status is ERROR: the error's code, message and advice. */
  reason: { code: string; message: string; advice: string } | null;
  createdAt: string;
  updatedAt: string;
}

/** The parts of a boot, in order; progress is reported in these. */
export const bootParts = ['choose', 'create', 'active', 'agent'] as const;
export type BootPart = (typeof bootParts)[number];

/** What a boot tells while it goes on. */
export type BootEvent =
  | { kind: 'started'; amphoraId: string; serverName: string }
  | { kind: 'part-started'; part: BootPart }
  | { kind: 'part-done'; part: BootPart; milliseconds: number; detail: string }
  | { kind: 'note'; message: string };
