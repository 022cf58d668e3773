import type { CloudObject, CloudObjectKind } from '../model/cloud-object.ts';

/** Everything in the cloud that Kiln might have made. */
export interface CloudInventory {
  /**
   * What there is of a kind in Kiln's own project, and ports of Octavia's device owner in any project that Kiln sees. All
   * pages, or an error: SERVICE_RESPONSE_INVALID where pages do not end.
   */
  list(kind: CloudObjectKind, signal?: AbortSignal): Promise<CloudObject[]>;
  /** Null when it is gone. */
  find(kind: CloudObjectKind, id: string): Promise<CloudObject | null>;
  /** Idempotent: one that is gone is success. */
  remove(kind: CloudObjectKind, id: string): Promise<void>;
}
