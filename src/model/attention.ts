/** What an operator should look at, worst first. Times are ISO 8601 UTC. */
export const attentionKinds = [
  'breaker-open',
  'release-held',
  'load-balancer-error',
  'amphora-silent',
  'operation-stalled',
  'load-balancer-pending',
  'image',
  'certificate',
  'pair-mixed',
] as const;
export type AttentionKind = (typeof attentionKinds)[number];

export interface AttentionItem {
  message: string;
  /** What to do next. */
  advice: string;
  /** Since when it has been so; null where that is not known. */
  since: string | null;
  loadBalancerId: string | null;
  amphoraId: string | null;
  operationId: string | null;
  releaseId: string | null;
}

export interface AttentionGroup {
  kind: AttentionKind;
  severity: 'error' | 'warning';
  /** How many there are; only the first of them are listed. */
  total: number;
  items: readonly AttentionItem[];
}

export interface Attention {
  at: string;
  /** Only kinds of which there is something. */
  groups: readonly AttentionGroup[];
}
