import { type Expression, type SqlBool, sql } from 'kysely';
import type { TroubledCertificate } from '../../model/certificate.ts';
import { unendedStatuses } from '../../model/operation.ts';
import type { CertificateRotations } from '../../ports/certificate-rotations.ts';
import type { Clock } from '../../ports/clock.ts';
import { attempt } from './faults.ts';
import { countUnended, enqueueOperation } from './journal.ts';
import type { KilnDatabase } from './schema.ts';

/** Amphorae that have an agent which somebody needs. */
const living = ['ALLOCATED', 'READY'] as const;

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
      const first = (condition: Expression<SqlBool>) =>
        withOperation()
          .select(['a.id', 'a.load_balancer_id', 'a.cert_expiration', 'a.cert_rotation_attempts', 'o.reason'])
          .where(condition)
          .orderBy('a.cert_expiration')
          .orderBy('a.id')
          .limit(limit);
      // Each by its index.
      const ended = await attempt(clock, () => first(sql`a.cert_expiration <= ${now}`).execute());
      const failing = await attempt(clock, () =>
        first(sql`a.cert_rotation_attempts > 0 and o.status = 'undone'`).execute(),
      );
      const rows = new Map([...ended, ...failing].map((row) => [row.id, row]));
      const keyOf = (row: (typeof ended)[number]) => `${row.cert_expiration} ${row.id}`;
      const sorted = [...rows.values()].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
      return sorted.slice(0, limit).map((row) => ({
        amphoraId: row.id,
        loadBalancerId: row.load_balancer_id,
        certExpiration: row.cert_expiration ?? '',
        attempts: row.cert_rotation_attempts,
        reason: row.reason === null ? null : (JSON.parse(row.reason) as TroubledCertificate['reason']),
      }));
    },

    async survey(now) {
      const nextEnd = (status: (typeof living)[number]) =>
        sql`(select min(cert_expiration) from kiln_amphora where status = ${status})`;
      const { rows } = await attempt(clock, () =>
        sql<{ expired: number | string; failing: number | string; allocated: string | null; ready: string | null }>`
          select ${nextEnd('ALLOCATED')} as allocated, ${nextEnd('READY')} as ready,
            (select count(*) from kiln_amphora
              where status in (${sql.join(living)}) and cert_expiration <= ${now}) as expired,
            (select count(*) from kiln_amphora a join kiln_operation o on o.id = a.cert_rotation_operation
              where a.cert_rotation_attempts > 0 and a.status in (${sql.join(living)}) and a.cert_expiration is not null
                and o.status = 'undone') as failing`.execute(database),
      );
      const { expired = 0, failing = 0, allocated = null, ready = null } = rows[0] ?? {};
      const [next = null] = [allocated, ready].filter((end) => end !== null).sort();
      return { expired: Number(expired), failing: Number(failing), nextEnd: next };
    },
  };
}
