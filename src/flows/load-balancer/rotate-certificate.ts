import { rotationFlow } from '../../core/amphora/certificate-rotation.ts';
import type { Amphora } from '../../model/amphora.ts';
import { KilnError, toKilnError } from '../../model/errors.ts';
import { defineFlow, type Step } from '../engine/flow.ts';
import { waitUntil } from '../lib/wait-until.ts';
import type { LoadBalancerDeps } from './deps.ts';

type Input = { amphoraId: string };
type Rotated = { certExpiration: string | null };

/** How long an agent may take until it shows what it was given: Octavia's starts anew for it. */
const shownWithin = { totalMs: 60_000, firstPauseMs: 200, longestPauseMs: 3_000 };

/** Null for one that needs no certificate any more. */
async function find({ amphorae }: LoadBalancerDeps, amphoraId: string): Promise<Amphora | null> {
  const amphora = await amphorae.get(amphoraId);
  return amphora && ['ALLOCATED', 'READY'].includes(amphora.status) ? amphora : null;
}

/**
 * Issue, hand over, and see it shown, in one step: the key goes through no journal, so whoever goes on from here issues
 * another. Until the agent shows the new certificate, it shows the old one.
 */
const uploadAmphoraCertificate: Step<LoadBalancerDeps, Input, Rotated> = {
  name: 'upload-amphora-certificate',
  async do(deps, { amphoraId }, { stop }) {
    const amphora = await find(deps, amphoraId);
    if (!amphora) return { certExpiration: null };
    const { certificateValiditySeconds } = deps.settings();
    const { certificatePem, privateKeyPem, notAfter } = await deps.certificates.issueAgentCertificate(
      amphoraId,
      certificateValiditySeconds,
    );
    const target = { id: amphoraId, address: amphora.lbNetworkIp ?? '' };
    try {
      await deps.agent.rotateAgentCertificate(target, certificatePem + privateKeyPem);
    } catch (thrown) {
      // Tried again by housekeeping, later: an agent that does not answer keeps no worker.
      const { code, message, advice } = toKilnError(thrown);
      throw new KilnError(code, message, { advice, retryable: false, cause: thrown });
    }
    const isShown = await waitUntil(deps.clock, { ...shownWithin, signal: stop }, async () => {
      // An agent that starts anew does not answer for a moment.
      const shows = await deps.agent.showsCertificate(target, certificatePem, stop).catch(() => false);
      return shows || null;
    });
    if (isShown) return { certExpiration: notAfter };
    throw new KilnError(
      'AGENT_REFUSED',
      `the agent of amphora ${amphoraId} took a new certificate and does not show it`,
      {
        advice: "It shows the old one until it is restarted: look into the amphora's log, or fail it over.",
        retryable: false,
      },
    );
  },
};

const updateAmphoraCertExpiration: Step<LoadBalancerDeps, Input & Rotated, Record<string, never>> = {
  name: 'update-amphora-cert-expiration',
  async do(deps, { amphoraId, certExpiration }) {
    if (certExpiration !== null && (await find(deps, amphoraId)))
      await deps.amphorae.update(amphoraId, { certExpiration });
    return {};
  },
};

/** A new certificate for an amphora's agent. The row says so last: what fails before is tried again. */
export const rotateAmphoraCertificate = defineFlow(rotationFlow)
  .takes<LoadBalancerDeps, Input>()
  .step(uploadAmphoraCertificate)
  .step(updateAmphoraCertExpiration)
  .build();
