import { scryptSync } from 'node:crypto';
import type { AgentConfigurationSettings } from './agent-configuration.ts';

type HeartbeatSettings = AgentConfigurationSettings['healthManager'];

const DIGEST_BYTES = 32;
let last: { text: string; digest: string } | null = null;

/**
 * Tells whether an agent has the heartbeat settings in force: addresses, interval and key. Slow to compute, since the key is
 * in it and the digest in the database; the last one is kept.
 */
export function heartbeatDigest(settings: HeartbeatSettings): string {
  const { controllerIpPortList, heartbeatIntervalSeconds, heartbeatKey } = settings;
  const text = JSON.stringify([controllerIpPortList, heartbeatIntervalSeconds, heartbeatKey]);
  if (last?.text !== text)
    last = { text, digest: scryptSync(text, 'kiln heartbeat settings', DIGEST_BYTES).toString('hex') };
  return last.digest;
}
