import type { KilnDatabase } from '../../adapters/storage/schema.ts';
import { createWorkerRegistry } from '../../adapters/storage/worker-registry.ts';
import { keepBeating } from '../../lib/keep-beating.ts';
import type { ServeRole } from '../../model/serve-role.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { WorkerIdentity } from '../../ports/worker-identity.ts';
import type { WorkerRegistry } from '../../ports/worker-registry.ts';
import type { RuntimeContext } from '../wire.ts';

/** Where other processes look whether this one lives. */
export interface SeenProcess {
  registry: WorkerRegistry;
  leaseMs: number;
  clock: Clock;
  log: Log;
}

/** @param roles of this process: `kiln doctor` tells which ones nobody has. */
export function wireRegistry(
  database: KilnDatabase,
  { clock, log, current }: RuntimeContext,
  identity: WorkerIdentity,
  roles: readonly ServeRole[],
): SeenProcess {
  const leaseMs = current().kiln.worker_lease_seconds * 1000;
  return { registry: createWorkerRegistry(database, clock, { identity, roles, leaseMs }), leaseMs, clock, log };
}

/** Others see that this process lives, for as long as it works; a worker is seen anyway. */
export async function whileSeen<Result>(
  { registry, leaseMs, clock, log }: SeenProcess,
  work: () => Promise<Result>,
): Promise<Result> {
  const ended = new AbortController();
  const beat = () =>
    registry.beat().catch((err: unknown) => log.warn({ err }, 'others may take this process for dead'));
  await beat();
  const beating = keepBeating(beat, { leaseMs, clock, signal: ended.signal });
  try {
    return await work();
  } finally {
    ended.abort();
    await beating;
    await registry.remove().catch(() => {});
  }
}
