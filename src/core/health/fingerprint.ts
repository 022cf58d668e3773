import { hash } from 'node:crypto';
import type { Heartbeat } from '../heartbeat/message.ts';

/** The same for two heartbeats that are judged alike: all that they say but counters and their number. */
export function fingerprintOf({ version, listeners, pools }: Heartbeat): string {
  const words: unknown[] = [version];
  for (const [id, { status }] of listeners) words.push(id, status);
  for (const { poolId, listenerId, status, members } of pools) words.push(poolId, listenerId, status, [...members]);
  return hash('sha256', JSON.stringify(words), 'base64');
}
