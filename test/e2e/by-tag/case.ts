import type { Context } from './context.ts';

/** What a case takes that not every cloud or run has. `Run.missing` says why one is not there. */
export type Need =
  /** A user with the role admin, in whatever project. */
  | 'admin'
  /** A user of another project, who is no administrator. */
  | 'tenant'
  /** Several API and worker processes: a MySQL and a RabbitMQ. */
  | 'several';

/** One thing that the feature does, seen from outside: through Kiln's API, Glance and Nova. */
export interface Case {
  /** A sentence that holds when the case passes. */
  name: string;
  needs: readonly Need[];
  /**
   * It needs no other configuration, and its tag may as well come from a flavor: it has a tag of its own, and runs beside the
   * others, as most of the time goes into waiting.
   */
  alongside?: true;
  /** Rejects when it does not hold; with SkipCase when this cloud can't show it. Leaves what it makes to the run. */
  run(context: Context): Promise<void>;
}

/** This cloud can't show it; the message says why, and can follow "skipped:". */
export class SkipCase extends Error {}
