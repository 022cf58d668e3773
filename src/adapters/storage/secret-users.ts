import { sql } from 'kysely';
import type { Clock } from '../../ports/clock.ts';
import type { SecretUser, SecretUsers } from '../../ports/secret-users.ts';
import { attempt } from './faults.ts';
import { tableOf } from './resource-tables.ts';
import type { KilnDatabase } from './schema.ts';

/** Columns with references; `sni_container_refs` holds a list of them as JSON. */
const columns = {
  listener: [
    'default_tls_container_ref',
    'sni_container_refs',
    'client_ca_tls_container_ref',
    'client_crl_container_ref',
  ],
  pool: ['tls_container_ref', 'ca_tls_container_ref', 'crl_container_ref'],
} as const;

/** References are kept as users gave them: bare, or as a URL in either case of letters. All of both tables are looked through. */
export function createSecretUsers(database: KilnDatabase, clock: Clock): SecretUsers {
  return {
    async usersOf(secretId) {
      const found: SecretUser[] = [];
      for (const kind of ['listener', 'pool'] as const) {
        const refers = columns[kind].map((name) => sql<boolean>`lower(${sql.ref(name)}) like ${`%${secretId}%`}`);
        const rows = await attempt(clock, () =>
          database
            // The tables of all kinds have one shape.
            .selectFrom(tableOf(kind).table as 'kiln_listener')
            .select([
              'id',
              sql<string>`name`.as('name'),
              sql<string>`load_balancer_id`.as('loadBalancerId'),
              sql<string>`project_id`.as('projectId'),
            ])
            .where(({ or }) => or(refers))
            .where('provisioning_status', '!=', 'DELETED')
            .orderBy('id')
            .execute(),
        );
        found.push(...rows.map((row) => ({ kind, ...row })));
      }
      return found;
    },
  };
}
