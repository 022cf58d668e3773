import type { CreateTableBuilder, Kysely } from 'kysely';
import { createIndex, createTable, exactText, longText } from '../ddl.ts';

type Table = CreateTableBuilder<string>;

export async function up(database: Kysely<unknown>): Promise<void> {
  const long = longText(database);

  /** What every resource has, and how lists of it are read: by project, in the order in which they were made. */
  async function createResource(name: string, complete: (table: Table) => Table): Promise<void> {
    const table = createTable(database, name)
      .addColumn('id', 'varchar(36)', (column) => column.primaryKey())
      .addColumn('project_id', 'varchar(64)', (column) => column.notNull())
      .addColumn('admin_state_up', 'integer', (column) => column.notNull())
      .addColumn('provisioning_status', 'varchar(16)', (column) => column.notNull())
      .addColumn('operating_status', 'varchar(16)', (column) => column.notNull())
      .addColumn('tags', long, (column) => column.notNull())
      .addColumn('created_at', 'varchar(32)', (column) => column.notNull())
      .addColumn('updated_at', 'varchar(32)');
    await complete(table).execute();
    await createIndex(database, `${name}_project`, name, ['project_id', 'created_at', 'id', 'provisioning_status']);
    await createIndex(database, `${name}_created`, name, ['created_at', 'id']);
  }
  /** Children of one parent, in the order in which they were made, without a look at the rows. */
  async function createParentIndex(name: string, parent: string): Promise<void> {
    await createIndex(database, `${name}_parent`, name, [parent, 'created_at', 'id', 'provisioning_status']);
  }

  await createResource('kiln_load_balancer', (table) =>
    table
      .addColumn('name', 'varchar(255)', (column) => column.notNull())
      .addColumn('description', 'varchar(255)', (column) => column.notNull())
      .addColumn('vip_address', 'varchar(64)', (column) => column.notNull())
      .addColumn('vip_network_id', 'varchar(36)', (column) => column.notNull())
      .addColumn('vip_subnet_id', 'varchar(36)')
      .addColumn('vip_port_id', 'varchar(36)')
      .addColumn('vip_octavia_owned', 'integer', (column) => column.notNull())
      .addColumn('vip_qos_policy_id', 'varchar(36)')
      .addColumn('vip_sg_ids', long, (column) => column.notNull())
      .addColumn('additional_vips', long, (column) => column.notNull())
      .addColumn('provider', 'varchar(64)', (column) => column.notNull())
      .addColumn('flavor_id', 'varchar(36)')
      .addColumn('availability_zone', 'varchar(255)')
      .addColumn('topology', 'varchar(36)', (column) => column.notNull())
      .addColumn('server_group_id', 'varchar(36)')
      .addColumn('revision', 'bigint', (column) => column.notNull().defaultTo(0)),
  );
  await createIndex(database, 'kiln_load_balancer_name', 'kiln_load_balancer', ['name']);
  await createIndex(database, 'kiln_load_balancer_vip_address', 'kiln_load_balancer', ['vip_address']);
  await createIndex(database, 'kiln_load_balancer_vip_port', 'kiln_load_balancer', ['vip_port_id']);

  await createResource('kiln_listener', (table) =>
    table
      .addColumn('load_balancer_id', 'varchar(36)', (column) => column.notNull())
      .addColumn('name', 'varchar(255)', (column) => column.notNull())
      .addColumn('description', 'varchar(255)', (column) => column.notNull())
      .addColumn('protocol', 'varchar(16)', (column) => column.notNull())
      .addColumn('protocol_port', 'integer', (column) => column.notNull())
      .addColumn('connection_limit', 'bigint', (column) => column.notNull())
      .addColumn('default_pool_id', 'varchar(36)')
      .addColumn('default_tls_container_ref', 'varchar(255)')
      .addColumn('sni_container_refs', long, (column) => column.notNull())
      .addColumn('insert_headers', long, (column) => column.notNull())
      .addColumn('timeout_client_data', 'bigint', (column) => column.notNull())
      .addColumn('timeout_member_connect', 'bigint', (column) => column.notNull())
      .addColumn('timeout_member_data', 'bigint', (column) => column.notNull())
      .addColumn('timeout_tcp_inspect', 'bigint', (column) => column.notNull())
      .addColumn('client_ca_tls_container_ref', 'varchar(255)')
      .addColumn('client_authentication', 'varchar(16)', (column) => column.notNull())
      .addColumn('client_crl_container_ref', 'varchar(255)')
      .addColumn('allowed_cidrs', long, (column) => column.notNull())
      .addColumn('tls_ciphers', long)
      .addColumn('tls_versions', long, (column) => column.notNull())
      .addColumn('alpn_protocols', long, (column) => column.notNull())
      .addColumn('hsts_max_age', 'bigint')
      .addColumn('hsts_include_subdomains', 'integer', (column) => column.notNull())
      .addColumn('hsts_preload', 'integer', (column) => column.notNull())
      .addUniqueConstraint('kiln_listener_port', ['load_balancer_id', 'protocol', 'protocol_port']),
  );
  await createParentIndex('kiln_listener', 'load_balancer_id');
  await createIndex(database, 'kiln_listener_default_pool', 'kiln_listener', ['default_pool_id', 'created_at', 'id']);
  await createIndex(database, 'kiln_listener_name', 'kiln_listener', ['name']);

  await createResource('kiln_pool', (table) =>
    table
      .addColumn('load_balancer_id', 'varchar(36)', (column) => column.notNull())
      .addColumn('name', 'varchar(255)', (column) => column.notNull())
      .addColumn('description', 'varchar(255)', (column) => column.notNull())
      .addColumn('protocol', 'varchar(16)', (column) => column.notNull())
      .addColumn('lb_algorithm', 'varchar(255)', (column) => column.notNull())
      .addColumn('session_persistence', long)
      .addColumn('tls_enabled', 'integer', (column) => column.notNull())
      .addColumn('tls_container_ref', 'varchar(255)')
      .addColumn('ca_tls_container_ref', 'varchar(255)')
      .addColumn('crl_container_ref', 'varchar(255)')
      .addColumn('tls_ciphers', long)
      .addColumn('tls_versions', long, (column) => column.notNull())
      .addColumn('alpn_protocols', long, (column) => column.notNull()),
  );
  await createParentIndex('kiln_pool', 'load_balancer_id');
  await createIndex(database, 'kiln_pool_name', 'kiln_pool', ['name']);

  await createResource('kiln_member', (table) =>
    table
      .addColumn('pool_id', 'varchar(36)', (column) => column.notNull())
      .addColumn('name', 'varchar(255)', (column) => column.notNull())
      .addColumn('address', 'varchar(64)', (column) => column.notNull())
      .addColumn('protocol_port', 'integer', (column) => column.notNull())
      .addColumn('weight', 'integer', (column) => column.notNull())
      .addColumn('backup', 'integer', (column) => column.notNull())
      .addColumn('subnet_id', 'varchar(36)')
      .addColumn('monitor_address', 'varchar(64)')
      .addColumn('monitor_port', 'integer')
      .addUniqueConstraint('kiln_member_address', ['pool_id', 'address', 'protocol_port']),
  );
  await createParentIndex('kiln_member', 'pool_id');

  await createResource('kiln_health_monitor', (table) =>
    table
      .addColumn('pool_id', 'varchar(36)', (column) => column.notNull().unique())
      .addColumn('name', 'varchar(255)', (column) => column.notNull())
      .addColumn('type', 'varchar(36)', (column) => column.notNull())
      .addColumn('delay', 'bigint', (column) => column.notNull())
      .addColumn('timeout', 'bigint', (column) => column.notNull())
      .addColumn('max_retries', 'integer', (column) => column.notNull())
      .addColumn('max_retries_down', 'integer', (column) => column.notNull())
      .addColumn('http_method', 'varchar(16)')
      .addColumn('url_path', 'varchar(255)')
      .addColumn('expected_codes', 'varchar(64)')
      .addColumn('http_version', 'double precision')
      .addColumn('domain_name', 'varchar(255)'),
  );

  await createResource('kiln_l7_policy', (table) =>
    table
      .addColumn('listener_id', 'varchar(36)', (column) => column.notNull())
      .addColumn('name', 'varchar(255)', (column) => column.notNull())
      .addColumn('description', 'varchar(255)', (column) => column.notNull())
      .addColumn('action', 'varchar(36)', (column) => column.notNull())
      .addColumn('redirect_pool_id', 'varchar(36)')
      .addColumn('redirect_url', 'varchar(255)')
      .addColumn('redirect_prefix', 'varchar(255)')
      .addColumn('redirect_http_code', 'integer')
      .addColumn('position', 'integer', (column) => column.notNull()),
  );
  await createParentIndex('kiln_l7_policy', 'listener_id');
  await createIndex(database, 'kiln_l7_policy_redirect_pool', 'kiln_l7_policy', ['redirect_pool_id', 'listener_id']);

  await createResource('kiln_l7_rule', (table) =>
    table
      .addColumn('l7_policy_id', 'varchar(36)', (column) => column.notNull())
      .addColumn('type', 'varchar(36)', (column) => column.notNull())
      .addColumn('compare_type', 'varchar(36)', (column) => column.notNull())
      .addColumn('key', 'varchar(255)')
      .addColumn('value', 'varchar(255)', (column) => column.notNull())
      .addColumn('invert', 'integer', (column) => column.notNull()),
  );
  await createParentIndex('kiln_l7_rule', 'l7_policy_id');

  await createTable(database, 'kiln_tag')
    .addColumn('resource_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('tag', exactText(database, 255), (column) => column.notNull())
    .addPrimaryKeyConstraint('kiln_tag_key', ['resource_id', 'tag'])
    .execute();
  await createIndex(database, 'kiln_tag_tag', 'kiln_tag', ['tag', 'resource_id']);
}
