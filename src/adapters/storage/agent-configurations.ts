import { unendedStatuses } from '../../model/operation.ts';
import type { AgentConfigurations } from '../../ports/agent-configurations.ts';
import type { Clock } from '../../ports/clock.ts';
import { attempt } from './faults.ts';
import { countUnended, enqueueOperation } from './journal.ts';
import type { KilnDatabase } from './schema.ts';

/** In the tables `kiln_amphora` and `kiln_operation`; `createAmphoraStore` notes what an agent was given. */
export function createAgentConfigurations(database: KilnDatabase, clock: Clock): AgentConfigurations {
  return {
    async due({ now, digest }, limit) {
      const rows = await attempt(clock, () =>
        database
          .selectFrom('kiln_amphora as a')
          .leftJoin('kiln_operation as o', 'o.id', 'a.agent_config_operation')
          .select(['a.id', 'a.agent_config_attempts'])
          .where('a.status', '=', 'ALLOCATED')
          .where('a.lb_network_ip', 'is not', null)
          .where(({ or, eb }) =>
            or([eb('a.agent_config_digest', 'is', null), eb('a.agent_config_digest', '!=', digest)]),
          )
          .where(({ or, eb }) => or([eb('a.agent_config_after', 'is', null), eb('a.agent_config_after', '<=', now)]))
          .where(({ or, eb }) => or([eb('o.status', 'is', null), eb('o.status', 'not in', unendedStatuses)]))
          // Those that fail again and again hold up no others.
          .orderBy('a.agent_config_attempts')
          .orderBy('a.id')
          .limit(limit)
          .execute(),
      );
      return rows.map(({ id, agent_config_attempts: attempts }) => ({ amphoraId: id, attempts }));
    },

    countRunning: (flow) => attempt(clock, () => countUnended(database, flow)),

    request: ({ amphoraId, attempts }, operation, retryAt) =>
      attempt(clock, () =>
        database.transaction().execute(async (transaction) => {
          const { numUpdatedRows } = await transaction
            .updateTable('kiln_amphora')
            .set({
              agent_config_after: retryAt,
              agent_config_attempts: attempts + 1,
              agent_config_operation: operation.id,
            })
            .where('id', '=', amphoraId)
            .where('status', '=', 'ALLOCATED')
            .where('agent_config_attempts', '=', attempts)
            .where(({ or, eb }) =>
              or([eb('agent_config_after', 'is', null), eb('agent_config_after', '<=', clock.now().toISOString())]),
            )
            .executeTakeFirst();
          if (numUpdatedRows !== 1n) return false;
          await enqueueOperation(transaction, operation, clock.now().toISOString());
          return true;
        }),
      ),
  };
}
