/**
 * What is carried out by a flow of its own. The API asks for these, the database has them on record, the page shows them, and
 * `src/flows/load-balancer/index.ts` has one flow of each: the compiler holds the two against each other. Never renamed; a row
 * that a newer Kiln wrote may have one that is none of these (see `unknownPart`).
 */
export type FlowName =
  | `${'create' | 'update' | 'delete'}-${ChangedResource}`
  | 'create-load-balancer-pair'
  | 'update-members'
  | `${'failover' | 'resize'}-${'load-balancer' | 'load-balancer-pair'}`
  | `${'failover' | 'release'}-${'amphora' | 'amphora-of-pair'}`
  | `${'boot' | 'configure' | 'delete'}-amphora`
  | 'push-amphora-configuration'
  | 'rotate-amphora-certificate'
  | 'probe-image';

type ChangedResource = 'load-balancer' | 'listener' | 'pool' | 'member' | 'health-monitor' | 'l7-policy' | 'l7-rule';

/** Those of a release: of a load balancer's only amphora, or of one of its pair. */
export const releaseFlows = ['release-amphora', 'release-amphora-of-pair'] as const satisfies readonly FlowName[];

/** Those that put one new amphora in the place of an old one. */
export const oneAmphoraFlows = [
  ...releaseFlows,
  'failover-load-balancer',
  'failover-amphora',
  'failover-amphora-of-pair',
] as const satisfies readonly FlowName[];
