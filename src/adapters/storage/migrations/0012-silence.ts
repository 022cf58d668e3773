import { type Kysely, sql } from 'kysely';
import { addColumn, createIndex, createTable } from '../ddl.ts';

/** New tables, an index, and columns with defaults: older versions go on without them, and fail nothing over by silence. */
export const compatible = true;

/** What is found out about silent amphorae, the failovers that follow from it, and the circuit breaker in front of them. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await addColumn(database, 'kiln_amphora_health', 'finding', 'varchar(36)');
  await addColumn(database, 'kiln_amphora_health', 'attempts', 'integer', (column) => column.notNull().defaultTo(0));
  await addColumn(database, 'kiln_amphora_health', 'examine_after', 'varchar(32)');
  await addColumn(database, 'kiln_amphora_health', 'examiner', 'varchar(36)');
  await createIndex(database, 'kiln_amphora_health_last_heard', 'kiln_amphora_health', ['last_heard']);

  await createTable(database, 'kiln_silence_failover')
    .addColumn('operation_id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('amphora_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('last_heard', 'varchar(32)', (column) => column.notNull())
    .addColumn('requested_at', 'varchar(32)', (column) => column.notNull())
    .execute();
  await createIndex(database, 'kiln_silence_failover_requested', 'kiln_silence_failover', ['requested_at']);

  await createTable(database, 'kiln_circuit_breaker')
    .addColumn('name', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('open_since', 'varchar(32)')
    .addColumn('silent_count', 'integer')
    .addColumn('threshold', 'integer')
    .addColumn('listen_until', 'varchar(32)')
    .addColumn('resumed_at', 'varchar(32)')
    .execute();
  await sql`
    insert into kiln_circuit_breaker (name)
    select 'failover' from (select count(*) as rows_there from kiln_circuit_breaker where name = 'failover') as there
    where there.rows_there = 0`.execute(database);

  // Amphorae that serve and were never heard of are watched, too.
  await sql`
    insert into kiln_amphora_health (amphora_id, last_heard)
    select id, created_at from kiln_amphora
    where status = 'ALLOCATED' and load_balancer_id is not null
      and id not in (select amphora_id from kiln_amphora_health)`.execute(database);
}
