import type { Kysely } from 'kysely';
import { createIndex, createTable, longText } from '../ddl.ts';

export async function up(database: Kysely<unknown>): Promise<void> {
  await createTable(database, 'kiln_flavor_profile')
    .addColumn('id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('name', 'varchar(255)', (column) => column.notNull())
    .addColumn('provider_name', 'varchar(255)', (column) => column.notNull())
    .addColumn('flavor_data', longText(database), (column) => column.notNull())
    .execute();
  await createTable(database, 'kiln_flavor')
    .addColumn('id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('name', 'varchar(255)', (column) => column.notNull().unique())
    .addColumn('description', 'varchar(255)', (column) => column.notNull())
    .addColumn('enabled', 'integer', (column) => column.notNull())
    .addColumn('flavor_profile_id', 'varchar(36)', (column) => column.notNull())
    .execute();
  await createIndex(database, 'kiln_flavor_flavor_profile', 'kiln_flavor', ['flavor_profile_id']);

  await createTable(database, 'kiln_availability_zone_profile')
    .addColumn('id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('name', 'varchar(255)', (column) => column.notNull())
    .addColumn('provider_name', 'varchar(255)', (column) => column.notNull())
    .addColumn('availability_zone_data', longText(database), (column) => column.notNull())
    .execute();
  await createTable(database, 'kiln_availability_zone')
    .addColumn('name', 'varchar(255)', (column) => column.primaryKey())
    .addColumn('description', 'varchar(255)', (column) => column.notNull())
    .addColumn('enabled', 'integer', (column) => column.notNull())
    .addColumn('availability_zone_profile_id', 'varchar(36)', (column) => column.notNull())
    .execute();
  await createIndex(database, 'kiln_availability_zone_profile_of', 'kiln_availability_zone', [
    'availability_zone_profile_id',
  ]);

  // Whether a flavor or a zone is in use is asked of load balancers.
  await createIndex(database, 'kiln_load_balancer_flavor', 'kiln_load_balancer', ['flavor_id']);
  await createIndex(database, 'kiln_load_balancer_zone', 'kiln_load_balancer', ['availability_zone']);

  await createTable(database, 'kiln_quota')
    .addColumn('project_id', 'varchar(64)', (column) => column.primaryKey())
    .addColumn('loadbalancer', 'integer')
    .addColumn('listener', 'integer')
    .addColumn('pool', 'integer')
    .addColumn('member', 'integer')
    .addColumn('healthmonitor', 'integer')
    .addColumn('l7policy', 'integer')
    .addColumn('l7rule', 'integer')
    .execute();
}
