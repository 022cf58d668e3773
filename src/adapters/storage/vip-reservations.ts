import { KilnError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { VipReservations } from '../../ports/vip-reservations.ts';
import { attempt } from './faults.ts';
import { rememberFormerIds } from './former-ids.ts';
import type { KilnDatabase } from './schema.ts';

/** Reservations in the table `kiln_vip_reservation`. */
export function createVipReservations(database: KilnDatabase, clock: Clock): VipReservations {
  const oldest = (limit: number) =>
    database.selectFrom('kiln_vip_reservation').select('load_balancer_id as id').orderBy('reserved_at').limit(limit);
  const idsOf = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);

  return {
    async reserve(loadBalancerId) {
      const row = { load_balancer_id: loadBalancerId, reserved_at: clock.now().toISOString(), given_up: 0 };
      await attempt(clock, () => database.insertInto('kiln_vip_reservation').values(row).execute());
    },

    giveUp: (loadBalancerId) =>
      attempt(clock, async () => {
        const { numUpdatedRows } = await database
          .updateTable('kiln_vip_reservation')
          .set({ given_up: 1 })
          .where('load_balancer_id', '=', loadBalancerId)
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }),

    giveUpOlderThan: (reservedBefore, limit) =>
      attempt(clock, async () => {
        await database
          .updateTable('kiln_vip_reservation')
          .set({ given_up: 1 })
          .where('reserved_at', '<', reservedBefore)
          .where('given_up', '=', 0)
          .execute();
        return idsOf(await oldest(limit).where('given_up', '=', 1).execute());
      }),

    findOlderThan: (reservedBefore, limit) =>
      attempt(clock, async () => {
        const found = oldest(limit).where((is) =>
          is.or([is('given_up', '=', 1), is('reserved_at', '<', reservedBefore)]),
        );
        return idsOf(await found.execute());
      }),

    forget: (loadBalancerId, { mayTurnUp }) =>
      attempt(clock, () =>
        database.transaction().execute(async (transaction) => {
          await transaction.deleteFrom('kiln_vip_reservation').where('load_balancer_id', '=', loadBalancerId).execute();
          if (mayTurnUp) await rememberFormerIds(transaction, [loadBalancerId], clock.now().toISOString());
        }),
      ),
  };
}

/**
 * The load balancer is being made: in that transaction, its VIP becomes its own.
 * @throws RESOURCE_CONFLICT when the reservation was given up: its port goes, or is gone.
 */
export async function redeemReservation(transaction: KilnDatabase, loadBalancerId: string): Promise<void> {
  const { numDeletedRows } = await transaction
    .deleteFrom('kiln_vip_reservation')
    .where('load_balancer_id', '=', loadBalancerId)
    .where('given_up', '=', 0)
    .executeTakeFirst();
  if (numDeletedRows === 1n) return;
  const left = await transaction
    .selectFrom('kiln_vip_reservation')
    .select('load_balancer_id as id')
    .where('load_balancer_id', '=', loadBalancerId)
    .unionAll(transaction.selectFrom('kiln_former_id').select('id').where('id', '=', loadBalancerId))
    .executeTakeFirst();
  if (left) throw new KilnError('RESOURCE_CONFLICT', `load balancer ${loadBalancerId} took too long to be made`);
}
