import type { Selectable } from 'kysely';
import { KilnError } from '../../model/errors.ts';
import type { Job } from '../../model/housekeeping.ts';
import type { Clock } from '../../ports/clock.ts';
import type { JobStore } from '../../ports/job-store.ts';
import { attempt, isDuplicate } from './faults.ts';
import type { KilnDatabase, Schema } from './schema.ts';

/** Jobs in the table `kiln_job`. Its holder is identified by a fence, in conditional updates, as with operations. */
export function createJobStore(database: KilnDatabase, clock: Clock): JobStore {
  const now = () => clock.now().toISOString();
  const lost = (name: string) => new KilnError('FENCED', `job ${name} is no longer ours`);

  async function insert(name: string, holder: string): Promise<number | null> {
    const nothing = { ended_at: null, succeeded_at: null, result: null, failure: null };
    const row = { name, fence: 1, holder, more: 0, started_at: now(), ...nothing };
    try {
      await database.insertInto('kiln_job').values(row).execute();
      return 1;
    } catch (error) {
      if (isDuplicate(error)) return null;
      throw error;
    }
  }

  return {
    list: () =>
      attempt(clock, async () =>
        (await database.selectFrom('kiln_job').selectAll().orderBy('name').execute()).map(fromRow),
      ),

    claim: (name, holder, seenFence) =>
      attempt(clock, async () => {
        if (seenFence === 0) return await insert(name, holder);
        const fence = seenFence + 1;
        const { numUpdatedRows } = await database
          .updateTable('kiln_job')
          .set({ holder, fence, started_at: now() })
          .where('name', '=', name)
          .where('fence', '=', seenFence)
          .executeTakeFirst();
        return numUpdatedRows === 1n ? fence : null;
      }),

    async assertHeld(name, fence) {
      const held = database.selectFrom('kiln_job').select('name').where('name', '=', name).where('fence', '=', fence);
      if (!(await attempt(clock, () => held.executeTakeFirst()))) throw lost(name);
    },

    async finish(name, fence, end) {
      const at = now();
      const outcome =
        'failure' in end
          ? { failure: JSON.stringify(end.failure), more: 0 }
          : { result: JSON.stringify(end.result), more: end.more ? 1 : 0, failure: null, succeeded_at: at };
      const { numUpdatedRows } = await attempt(clock, () =>
        database
          .updateTable('kiln_job')
          .set({ ...outcome, holder: null, ended_at: at })
          .where('name', '=', name)
          .where('fence', '=', fence)
          .executeTakeFirst(),
      );
      if (numUpdatedRows !== 1n) throw lost(name);
    },
  };
}

function fromRow(row: Selectable<Schema['kiln_job']>): Job {
  return {
    name: row.name,
    fence: row.fence,
    holder: row.holder,
    more: row.more === 1,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    succeededAt: row.succeeded_at,
    result: row.result === null ? null : (JSON.parse(row.result) as Job['result']),
    failure: row.failure === null ? null : (JSON.parse(row.failure) as Job['failure']),
  };
}
