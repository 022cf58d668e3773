import { type Kysely, sql } from 'kysely';
import { addColumn } from '../ddl.ts';
import { isMysql } from '../engine.ts';

/** A column that may be left out: listeners that older versions make have no number. */
export const compatible = true;

/** Listeners have numbers, as Octavia's `peer_port`: those that are there are counted in the order in which they were made. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await addColumn(database, 'kiln_listener', 'peer_port', 'integer');
  const numbered = sql`
    select id, row_number() over (partition by load_balancer_id order by created_at, id) + coalesce(
      (select max(peer_port) from kiln_listener as other where other.load_balancer_id = listener.load_balancer_id),
      1024
    ) as next_port
    from kiln_listener as listener
    where peer_port is null`;
  const statement = isMysql(database)
    ? sql`update kiln_listener join (${numbered}) as numbered on numbered.id = kiln_listener.id set peer_port = next_port`
    : sql`update kiln_listener set peer_port = next_port from (${numbered}) as numbered where numbered.id = kiln_listener.id`;
  await statement.execute(database);
}
