import type { FlowName } from './flow-name.ts';

/** Counts of what the database has, for metrics. */
export interface StateSurvey {
  /** Those whose rows are kept, by flow and status; why a failover was asked for. */
  operations: readonly {
    flow: FlowName;
    status: string;
    cause: 'silence' | 'request';
    count: number;
    /** From being asked for to their end, in all; 0 for those that have not ended. */
    seconds: number;
  }[];
  amphorae: readonly { status: string; imageId: string; count: number }[];
  loadBalancers: readonly { provisioningStatus: string; operatingStatus: string; count: number }[];
}
