import { sql } from 'kysely';
import type { TroubledCertificate } from '../../model/certificate.ts';
import { unendedStatuses } from '../../model/operation.ts';
import type { CertificateRotations } from '../../ports/certificate-rotations.ts';
import type { Clock } from '../../ports/clock.ts';
import { attempt } from './faults.ts';
import { countUnended, enqueueOperation } from './journal.ts';
import type { KilnDatabase } from './schema.ts';

/** Amphorae that have an agent which somebody needs. */
const living = ['ALLOCATED', 'READY'] as const;

/** Half of a new certificate's time is used, however early renewal is asked for: else it would be renewed without end. */
export function rotationNotBefore(now: Date, certExpiration: string): string {
  return new Date((now.getTime() + Date.parse(certExpiration)) / 2).toISOString();
}

/** Renewals in the tables `kiln_amphora` and `kiln_operation`; `createAmphoraStore` notes a new certificate's end. */
export function createCertificateRotations(database: KilnDatabase, clock: Clock): CertificateRotations {
  const withOperation = () =>
    database
      .selectFrom('kiln_amphora as a')
      .leftJoin('kiln_operation as o', 'o.id', 'a.cert_rotation_operation')
      .where('a.status', 'in', living)
      .where('a.cert_expiration', 'is not', null);

  return {
    async due({ now, endsBefore }, limit) {
      const rows = await attempt(clock, () =>
        withOperation()
          .select(['a.id', 'a.cert_expiration', 'a.cert_rotation_attempts'])
          .where('a.cert_expiration', '<', endsBefore)
          .where(({ or, eb }) => or([eb('a.cert_rotation_after', 'is', null), eb('a.cert_rotation_after', '<=', now)]))
          .where(({ or, eb }) => or([eb('o.status', 'is', null), eb('o.status', 'not in', unendedStatuses)]))
          .orderBy('a.cert_expiration')
          .orderBy('a.id')
          .limit(limit)
          .execute(),
      );
      return rows.map(({ id, cert_expiration: certExpiration, cert_rotation_attempts: attempts }) => ({
        amphoraId: id,
        certExpiration: certExpiration ?? '',
        attempts,
      }));
    },

    countRunning: (flow) => attempt(clock, () => countUnended(database, flow)),

    request: ({ amphoraId, certExpiration, attempts }, operation, retryAt) =>
      attempt(clock, () =>
        database.transaction().execute(async (transaction) => {
          const { numUpdatedRows } = await transaction
            .updateTable('kiln_amphora')
            .set({
              cert_rotation_after: retryAt,
              cert_rotation_attempts: attempts + 1,
              cert_rotation_operation: operation.id,
            })
            .where('id', '=', amphoraId)
            .where('status', 'in', living)
            .where('cert_expiration', '=', certExpiration)
            .where('cert_rotation_attempts', '=', attempts)
            .executeTakeFirst();
          if (numUpdatedRows !== 1n) return false;
          await enqueueOperation(transaction, operation, clock.now().toISOString());
          return true;
        }),
      ),

    async troubled(now, limit) {
      const rows = await attempt(clock, () =>
        withOperation()
          .select(['a.id', 'a.load_balancer_id', 'a.cert_expiration', 'a.cert_rotation_attempts', 'o.reason'])
          .where(({ or, eb }) => or([eb('a.cert_expiration', '<=', now), eb('o.status', '=', 'undone')]))
          .orderBy('a.cert_expiration')
          .orderBy('a.id')
          .limit(limit)
          .execute(),
      );
      return rows.map((row) => ({
        amphoraId: row.id,
        loadBalancerId: row.load_balancer_id,
        certExpiration: row.cert_expiration ?? '',
        attempts: row.cert_rotation_attempts,
        reason: row.reason === null ? null : (JSON.parse(row.reason) as TroubledCertificate['reason']),
      }));
    },

    async survey(now) {
      const sumOf = (condition: ReturnType<typeof sql>) =>
        sql<number>`coalesce(sum(case when ${condition} then 1 else 0 end), 0)`;
      const row = await attempt(clock, () =>
        withOperation()
          .select(({ fn }) => [
            sumOf(sql`a.cert_expiration <= ${now}`).as('expired'),
            sumOf(sql`o.status = 'undone'`).as('failing'),
            fn.min('a.cert_expiration').as('next_end'),
          ])
          .executeTakeFirstOrThrow(),
      );
      return { expired: Number(row.expired), failing: Number(row.failing), nextEnd: row.next_end ?? null };
    },
  };
}
