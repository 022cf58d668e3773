import { renderVrrpConfiguration } from '../../core/keepalived/vrrp/render.ts';
import { probeVrrp } from '../../core/releases/probe-tree.ts';
import { KilnError } from '../../model/errors.ts';
import type { AmphoraAddress } from '../../ports/amphora-agent.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';

/** keepalived reads its configuration after it has been started: what it does not take ends it within this time. */
const SETTLED_MS = 3_000;

/**
 * keepalived of an amphora that serves nobody takes a configuration as one of a pair has it, starts, and still runs a moment later: agents
 * reload only what runs (docs/decisions/0048).
 * @throws AGENT_REFUSED, for good, when it does not run.
 */
export async function tryKeepalived(deps: LoadBalancerDeps, target: AmphoraAddress, stop: AbortSignal): Promise<void> {
  const { vrrp, haproxy } = deps.settings();
  const configuration = renderVrrpConfiguration(probeVrrp(target.id), { ...vrrp, basePath: haproxy.basePath });
  await deps.agent.uploadVrrpConfiguration(target, configuration);
  await deps.agent.actOnVrrp(target, 'start');
  await deps.clock.sleep(SETTLED_MS, stop);
  await deps.agent.actOnVrrp(target, 'reload').catch((cause: unknown) => {
    if (!(cause instanceof KilnError) || cause.code !== 'AGENT_REFUSED') throw cause;
    throw new KilnError('AGENT_REFUSED', `keepalived of amphora ${target.id} was started, and does not run`, {
      cause,
      advice: 'See the journal of octavia-keepalived in an amphora of this image.',
      retryable: false,
    });
  });
}
