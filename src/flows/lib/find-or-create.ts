import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import { waitUntil } from './wait-until.ts';

/** Neutron answers when it is done: what was under way when somebody was killed is there soon, or never. */
const PATIENCE = { totalMs: 5_000, firstPauseMs: 200, longestPauseMs: 1_000 };

/**
 * Finds what is there already, or makes it. After a death in the middle it is looked for a while longer, as the request
 * that was under way may yet be carried out.
 */
export async function findOrCreate<Thing>(
  deps: Pick<LoadBalancerDeps, 'clock' | 'settings'>,
  resumed: boolean,
  find: () => Promise<Thing | null>,
  make: () => Promise<Thing>,
): Promise<Thing> {
  const totalMs = resumed ? Math.min(PATIENCE.totalMs, deps.settings().createLookupSeconds * 1000) : 0;
  return (await waitUntil(deps.clock, { ...PATIENCE, totalMs }, find)) ?? (await make());
}
