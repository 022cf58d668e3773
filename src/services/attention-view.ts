/** Brings together what needs an operator: from the database, Glance, and the controller's own files. */
import { summarizeAttention } from '../core/operations/attention.ts';
import type { Attention } from '../model/attention.ts';
import type { OwnCertificate, TroubledCertificate } from '../model/certificate.ts';
import type { Fleet } from '../model/fleet.ts';
import type { SilenceSurvey, SilentAmphoraReport } from '../model/silence.ts';
import type { Clock } from '../ports/clock.ts';
import type { Journal } from '../ports/journal.ts';
import type { OverviewStore } from '../ports/overview-store.ts';
import type { ReleaseStore } from '../ports/release-store.ts';

export interface AttentionViewDeps {
  overview: Pick<OverviewStore, 'inError' | 'pendingSince' | 'mixedPairs' | 'stalledOperations'>;
  journal: Pick<Journal, 'entriesOf'>;
  silence: { survey(): Promise<SilenceSurvey>; list(limit: number): Promise<SilentAmphoraReport[]> };
  /** Certificates of agents that have ended, or whose renewal failed. */
  agentCertificates: (now: string, limit: number) => Promise<TroubledCertificate[]>;
  /** The controller's own certificate files that end soon, have ended or can't be read. */
  ownCertificates: () => Promise<OwnCertificate[]>;
  fleet: () => Promise<Fleet>;
  releases: Pick<ReleaseStore, 'active'>;
  clock: Clock;
}

/** Listed of each kind; the rest is counted. */
const LISTED = 50;
/** A load balancer that is PENDING for longer is worth a look: creating one takes a few minutes where Nova is slow. */
const PENDING_TOO_LONG_MS = 10 * 60_000;
/** Nor does a step of an operation take longer, but where it waits for something that is broken. */
const STALLED_AFTER_MS = 5 * 60_000;

/** What needs attention, as it is now. The number of statements does not grow with the fleet. */
export function createAttentionView(deps: AttentionViewDeps): () => Promise<Attention> {
  const { overview, journal, silence, clock } = deps;
  return async () => {
    const now = clock.now();
    const ago = (milliseconds: number) => new Date(now.getTime() - milliseconds).toISOString();
    const stalled = await overview.stalledOperations(ago(STALLED_AFTER_MS), LISTED);
    const fleet = await deps.fleet();
    return summarizeAttention({
      inError: await overview.inError(LISTED),
      pending: await overview.pendingSince(ago(PENDING_TOO_LONG_MS), LISTED),
      mixedPairs: fleet.totals.mixedPairs > 0 ? await overview.mixedPairs(LISTED) : { total: 0, items: [] },
      stalled,
      entries: await journal.entriesOf(stalled.items.map(({ id }) => id)),
      silence: await silence.survey(),
      silent: await silence.list(LISTED),
      agentCertificates: await deps.agentCertificates(now.toISOString(), LISTED),
      ownCertificates: await deps.ownCertificates(),
      imageWarnings: fleet.warnings,
      releases: await deps.releases.active(),
      now,
    });
  };
}
