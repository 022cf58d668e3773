import { sql } from 'kysely';
import { type ServeRole, serveRoles } from '../../model/serve-role.ts';
import type { Clock } from '../../ports/clock.ts';
import type { WorkerIdentity } from '../../ports/worker-identity.ts';
import type { WorkerRegistry } from '../../ports/worker-registry.ts';
import { attempt, isDuplicate } from './faults.ts';
import type { KilnDatabase } from './schema.ts';

export interface WorkerRegistrySettings {
  identity: WorkerIdentity;
  /** What the process is there for. */
  roles: readonly ServeRole[];
  leaseMs: number;
}

/** All of them are more than the column holds. */
export const ALL_ROLES = 'all';

/** Rows of workers that were killed, and that nobody asks about any more. */
const FORGOTTEN_AFTER_MS = 7 * 24 * 3600 * 1000;

/**
 * Workers in the table `kiln_worker`. Each counts its beats there; whether another one lives is seen by its count going
 * on, within a lease of the asker's own monotonic time: clocks of hosts are not compared.
 */
export function createWorkerRegistry(
  database: KilnDatabase,
  clock: Clock,
  { identity, roles, leaseMs }: WorkerRegistrySettings,
): WorkerRegistry {
  const { self } = identity;
  const startedAt = clock.now().toISOString();
  const placeOf = (worker: string) => worker.split('/')[0] ?? '';
  /** The count of another worker, and since when it has been seen to stand still. Null: it has no row. */
  const watched = new Map<string, { beats: number | null; sinceMs: number }>();

  async function beatOnce(): Promise<void> {
    const at = clock.now().toISOString();
    const { numUpdatedRows } = await database
      .updateTable('kiln_worker')
      .set({ beats: sql`beats + 1`, beat_at: at })
      .where('id', '=', self)
      .executeTakeFirst();
    if (numUpdatedRows === 1n) return;
    const [host = ''] = placeOf(self).split(':');
    const role = roles.length === serveRoles.length ? ALL_ROLES : roles.join();
    const row = { id: self, host, role, beats: 1, beat_at: at, started_at: startedAt };
    try {
      await database.insertInto('kiln_worker').values(row).execute();
    } catch (error) {
      if (!isDuplicate(error)) throw error; // A beat whose answer was lost: it is there.
    }
    const longAgo = new Date(clock.now().getTime() - FORGOTTEN_AFTER_MS).toISOString();
    await database.deleteFrom('kiln_worker').where('beat_at', '<', longAgo).execute();
  }

  async function beatsOf(worker: string): Promise<number | null> {
    const row = await database.selectFrom('kiln_worker').select('beats').where('id', '=', worker).executeTakeFirst();
    return row?.beats ?? null;
  }

  return {
    beat: () => attempt(clock, beatOnce),

    async isAlive(worker) {
      if (!identity.isAlive(worker)) return false;
      if (placeOf(worker) === placeOf(self)) return true;
      // The answer is at least as young as this moment: an asker that was stopped in between accuses nobody.
      const askedAtMs = clock.monotonicMs();
      const beats = await attempt(clock, () => beatsOf(worker));
      const before = watched.get(worker);
      if (before?.beats === beats) return askedAtMs - before.sinceMs <= leaseMs;
      watched.set(worker, { beats, sinceMs: clock.monotonicMs() });
      return true;
    },

    async remove() {
      await attempt(clock, () => database.deleteFrom('kiln_worker').where('id', '=', self).execute());
    },
  };
}

/** When a process of each role last said that it lives; a role of which none has in the last week is not among them. */
export async function lastBeats(database: KilnDatabase): Promise<ReadonlyMap<string, string>> {
  const rows = await database
    .selectFrom('kiln_worker')
    .select(({ fn }) => ['role', fn.max('beat_at').as('beatAt')])
    .groupBy('role')
    .execute();
  const latest = new Map<string, string>();
  for (const { role: written, beatAt } of rows) {
    for (const role of written === ALL_ROLES ? serveRoles : written.split(',')) {
      if (beatAt > (latest.get(role) ?? '')) latest.set(role, beatAt);
    }
  }
  return latest;
}
