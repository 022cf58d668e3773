import type { Amphora } from '../../../model/amphora.ts';
import type { Attention } from '../../../model/attention.ts';
import type { SilenceFinding } from '../../../model/silence.ts';
import { amphoraToWire } from './amphora.ts';
import { wireTime, wireTimeOrNull } from './common.ts';

export function attentionToWire({ at, groups }: Attention) {
  return {
    at: wireTime(at),
    groups: groups.map(({ kind, severity, total, items }) => ({
      kind,
      severity,
      total,
      items: items.map((item) => ({
        message: item.message,
        advice: item.advice,
        since: wireTimeOrNull(item.since),
        loadbalancer_id: item.loadBalancerId,
        amphora_id: item.amphoraId,
        operation_id: item.operationId,
        release_id: item.releaseId,
      })),
    })),
  };
}

/** @param heard null: it was never heard of. */
export function amphoraHealthToWire(
  amphora: Amphora,
  heard: { lastHeard: string; finding: SilenceFinding | null } | null,
  silentBefore: string,
) {
  // Only one that serves, or should, is expected to be heard of.
  const serves = amphora.loadBalancerId !== null && (amphora.status === 'ALLOCATED' || amphora.status === 'ERROR');
  return {
    ...amphoraToWire(amphora),
    image_name: amphora.imageChoice?.image?.name ?? null,
    agent_version: amphora.agentVersion,
    last_heartbeat_at: wireTimeOrNull(heard?.lastHeard ?? null),
    is_silent: serves && heard !== null && heard.lastHeard < silentBefore,
    finding: heard?.finding ?? null,
    reason: amphora.reason,
  };
}
