import { judge } from '../core/releases/judge.ts';
import type { OctaviaLook, OctaviaTarget } from '../model/octavia-release.ts';
import type { HealthSample, Traffic } from '../model/release.ts';

/** Why a load balancer is worse than before its move; null: it is not, as far as Octavia tells. */
export function whyWorse({ before, after }: OctaviaTarget, imageId: string): string | null {
  const [last] = after.slice(-1);
  if (!last) return null;
  if (last.provisioningStatus === 'ERROR') return 'is in ERROR';
  // Without heartbeats the verdict is never better than "no data".
  const { verdict, reason } = judge({ before: sampleOf(before) }, sampleOf(after), imageId, null);
  return verdict === 'fail' ? reason : null;
}

function sampleOf(looks: readonly OctaviaLook[]): HealthSample | null {
  const [first] = looks;
  const last = looks.at(-1);
  if (!first || !last) return null;
  return {
    fromMs: first.atMs,
    toMs: last.atMs,
    imageIds: last.imageIds,
    heartbeats: null,
    listeners: Object.fromEntries(Object.keys(last.listeners).map((id) => [id, 'OPEN' as const])),
    members: Object.fromEntries(Object.entries(last.members).map(([id, status]) => [id, memberState(status)])),
    operatingStatus: last.operatingStatus,
    configuration: configurationOf(last),
    traffic: trafficOf(first, last),
  };
}

/** Where a tenant changed its listeners or members meanwhile, they tell nothing. */
const configurationOf = ({ listeners, members }: OctaviaLook) =>
  [listeners, members].map((nodes) => Object.keys(nodes).sort().join()).join(';');

function memberState(status: string): 'UP' | 'DOWN' | 'other' {
  if (status === 'ONLINE' || status === 'NO_MONITOR') return 'UP';
  return status === 'ERROR' || status === 'OFFLINE' ? 'DOWN' : 'other';
}

/** Null: it was looked at once, or its counters began anew. */
function trafficOf(first: OctaviaLook, last: OctaviaLook): Traffic | null {
  const seconds = (last.atMs - first.atMs) / 1000;
  const connections = last.connections - first.connections;
  const requestErrors = last.requestErrors - first.requestErrors;
  return seconds > 0 && connections >= 0 && requestErrors >= 0 ? { seconds, connections, requestErrors } : null;
}
