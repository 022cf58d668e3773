import { createCertificateRotations } from '../../adapters/storage/certificate-rotations.ts';
import type { Attention } from '../../model/attention.ts';
import type { Fleet } from '../../model/fleet.ts';
import type { OverviewStore } from '../../ports/overview-store.ts';
import { createAttentionView } from '../../services/attention-view.ts';
import { troubledOwnCertificates } from '../own-certificates.ts';
import { silenceView } from '../silence-view.ts';
import type { State } from '../state.ts';
import type { RuntimeContext } from '../wire.ts';

/** What needs an operator, whichever process looks: only the controller's own certificates are those of this host. */
export function wireAttention(
  state: State,
  overview: OverviewStore,
  fleet: () => Promise<Fleet>,
  { clock, current }: Omit<RuntimeContext, 'log'>,
): () => Promise<Attention> {
  const rotations = createCertificateRotations(state.database, clock);
  return createAttentionView({
    overview,
    journal: state.journal,
    silence: silenceView(state, { clock, current }),
    agentCertificates: rotations.troubled,
    ownCertificates: () => troubledOwnCertificates(current(), clock.now()),
    fleet,
    releases: state.releases,
    clock,
  });
}
