import type { FlowName } from './flow-name.ts';

/** Counts of what the database has, for metrics. */
export interface StateSurvey {
  /** Those that have not ended, by flow and status; why a failover was asked for. */
  operations: readonly {
    flow: FlowName;
    status: string;
    cause: 'silence' | 'request';
    count: number;
  }[];
  amphorae: readonly { status: string; imageId: string; count: number }[];
  loadBalancers: readonly { provisioningStatus: string; operatingStatus: string; count: number }[];
}
