import type { Kysely } from 'kysely';
import { createIndex, createTable, longText } from '../ddl.ts';

/** New tables: older versions go on without them. */
export const compatible = true;

/** Releases of images, the load balancers that each is for, what was decided, and what was measured. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await createTable(database, 'kiln_release')
    .addColumn('id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('active_tag', 'varchar(255)', (column) => column.unique())
    .addColumn('tag', 'varchar(255)', (column) => column.notNull())
    .addColumn('image_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('phase', 'varchar(16)', (column) => column.notNull())
    .addColumn('fence', 'integer', (column) => column.notNull())
    .addColumn('event_count', 'integer', (column) => column.notNull())
    .addColumn('spec', longText(database), (column) => column.notNull())
    .addColumn('progress', longText(database), (column) => column.notNull())
    .addColumn('intent', longText(database), (column) => column.notNull())
    .addColumn('tallies', longText(database), (column) => column.notNull())
    .addColumn('former_images', longText(database), (column) => column.notNull())
    .addColumn('created_ms', 'bigint', (column) => column.notNull())
    .addColumn('updated_ms', 'bigint', (column) => column.notNull())
    .addColumn('ended_ms', 'bigint')
    .execute();
  await createIndex(database, 'kiln_release_created', 'kiln_release', ['created_ms', 'id']);

  await createTable(database, 'kiln_release_target')
    .addColumn('release_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('load_balancer_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('wave', 'integer', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('topology', 'varchar(16)', (column) => column.notNull())
    .addColumn('from_image_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('from_hash', 'varchar(255)')
    .addColumn('state', 'varchar(16)', (column) => column.notNull())
    .addColumn('state_since_ms', 'bigint', (column) => column.notNull())
    .addColumn('attempt', 'integer', (column) => column.notNull())
    .addColumn('waits', 'integer', (column) => column.notNull())
    .addColumn('not_before_ms', 'bigint', (column) => column.notNull())
    .addColumn('operation_id', 'varchar(36)')
    .addColumn('watch_until_ms', 'bigint')
    .addColumn('mixed_since_ms', 'bigint')
    .addColumn('health_before', longText(database))
    .addColumn('health_after', longText(database))
    .addColumn('verdict', 'varchar(16)')
    .addColumn('badness', 'double precision', (column) => column.notNull())
    .addColumn('failure_class', 'varchar(16)')
    .addColumn('reason', longText(database), (column) => column.notNull())
    .addPrimaryKeyConstraint('kiln_release_target_key', ['release_id', 'load_balancer_id'])
    .execute();
  const due = ['release_id', 'state', 'wave', 'position', 'not_before_ms'];
  await createIndex(database, 'kiln_release_target_next', 'kiln_release_target', due);
  await createIndex(database, 'kiln_release_target_bad', 'kiln_release_target', ['release_id', 'state', 'badness']);

  await createTable(database, 'kiln_release_event')
    .addColumn('release_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('n', 'integer', (column) => column.notNull())
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .addColumn('actor', 'varchar(255)', (column) => column.notNull())
    .addColumn('kind', 'varchar(32)', (column) => column.notNull())
    .addColumn('load_balancer_id', 'varchar(36)')
    .addColumn('reason', longText(database), (column) => column.notNull())
    .addColumn('data', longText(database), (column) => column.notNull())
    .addPrimaryKeyConstraint('kiln_release_event_key', ['release_id', 'n'])
    .execute();

  await createTable(database, 'kiln_release_probe')
    .addColumn('release_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('place', 'varchar(255)', (column) => column.notNull())
    .addColumn('attempt', 'integer', (column) => column.notNull())
    .addColumn('image_faults', 'integer', (column) => column.notNull())
    .addColumn('operation_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('started_ms', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('kiln_release_probe_key', ['release_id', 'place'])
    .execute();

  await createTable(database, 'kiln_release_sample')
    .addColumn('release_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('load_balancer_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .addColumn('data', longText(database), (column) => column.notNull())
    .addPrimaryKeyConstraint('kiln_release_sample_key', ['release_id', 'load_balancer_id', 'at_ms'])
    .execute();

  await createTable(database, 'kiln_rejected_image')
    .addColumn('hash_algo', 'varchar(32)', (column) => column.notNull())
    .addColumn('hash', 'varchar(255)', (column) => column.notNull())
    .addColumn('release_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('kiln_rejected_image_key', ['hash_algo', 'hash'])
    .execute();
}
