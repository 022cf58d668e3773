import { type RawBuilder, sql } from 'kysely';
import { createSystemClock } from '../src/adapters/clock/system-clock.ts';
import { openDatabase } from '../src/adapters/storage/database.ts';
import { tableOf, toRow } from '../src/adapters/storage/resource-tables.ts';
import type { KilnDatabase } from '../src/adapters/storage/schema.ts';
import type { ResourceKind, Resources } from '../src/model/load-balancer.ts';
import { storedListener, storedLoadBalancer, storedMember, storedPool } from '../test/kit/stored-resources.ts';
import { idInSql } from './ids.ts';

export const MEMBERS = 10;
/** Load balancers of the tenant that is measured, and of each other one; so many are rare, too, in status and by a tag. */
export const OF_TENANT = 10;
export const OF_OTHERS = 100;
const RARE = 20;
/** Rows of one statement. */
const AT_ONCE = 50_000;

/** Project of a load balancer that is not the tenant's. */
export const projectOf = (n: number) => `project-${Math.floor((n - 1) / OF_OTHERS)}`;

/**
 * Fills an empty database of MariaDB with so many load balancers, each with a listener, a pool of 10 members, an amphora, statistics and the
 * operation that made it. What the tenant has, and what is rare, is as much in every size, from the first to the last.
 */
export async function fillCloud(connection: string, size: number, tenant: string): Promise<void> {
  const database = await openDatabase(connection, createSystemClock());
  try {
    const isRare = `seq mod ${size / RARE} = 2`;
    const own = {
      project_id: `if(seq mod ${size / OF_TENANT} = 1, '${tenant}', concat('project-', (seq - 1) div ${OF_OTHERS}))`,
      created_at: `date_format(from_unixtime(1767225600 + seq), '%Y-%m-%dT%H:%i:%s.000Z')`,
    };
    const put = async <Kind extends ResourceKind>(
      kind: Kind,
      like: Resources[Kind],
      columns: Record<string, string>,
      each = 1,
    ) => {
      const values = { ...toRow(kind, like), ...own, name: `concat('${kind}-', seq)`, ...columns };
      const expressions = Object.entries(values).map(([name, value]) =>
        name in own || name in columns || name === 'name' ? sql.raw(String(value)) : sql`${value}`,
      );
      await insert(database, tableOf(kind).table, Object.keys(values), expressions, { size, each });
    };
    const [loadBalancer, listener, pool] = ['lb', 'li', 'po'].map((what) => idInSql(what, 'seq')) as [
      string,
      string,
      string,
    ];
    await put('loadbalancer', storedLoadBalancer(''), {
      id: loadBalancer,
      vip_address: `inet_ntoa(167772160 + seq)`,
      vip_port_id: idInSql('port', 'seq'),
      provisioning_status: `if(${isRare}, 'ERROR', 'ACTIVE')`,
      operating_status: `if(${isRare}, 'ERROR', 'ONLINE')`,
      tags: `if(${isRare}, '["common","rare"]', '["common"]')`,
      assigned_image_id: `'image'`,
    });
    await put('pool', storedPool('', ''), { id: pool, load_balancer_id: loadBalancer });
    await put('listener', storedListener('', ''), {
      id: listener,
      load_balancer_id: loadBalancer,
      default_pool_id: pool,
    });
    await put(
      'member',
      storedMember('', '', { protocolPort: 80 }),
      {
        id: idInSql('me', `seq, '-', part`),
        pool_id: pool,
        address: `concat('192.0.2.', part)`,
        name: `concat('m', part)`,
      },
      MEMBERS,
    );
    const rows = async (table: string, columns: Record<string, string>, where?: string) => {
      const expressions = Object.values(columns).map((value) => sql.raw(value));
      await insert(database, table, Object.keys(columns), expressions, { size, where });
    };
    await rows('kiln_tag', { resource_id: loadBalancer, tag: `'common'` });
    await rows('kiln_tag', { resource_id: loadBalancer, tag: `'rare'` }, isRare);
    const amphora = idInSql('am', 'seq');
    const times = { created_at: own.created_at, updated_at: own.created_at };
    await rows('kiln_amphora', {
      id: amphora,
      load_balancer_id: loadBalancer,
      status: `'ALLOCATED'`,
      server_name: `concat('amphora-', seq)`,
      compute_id: idInSql('co', 'seq'),
      image_id: `'image'`,
      lb_network_ip: 'inet_ntoa(184549376 + seq)',
      cert_expiration: `'2036-12-28T12:00:00.000Z'`,
      timings: `'{}'`,
      ...times,
    });
    const heard = `'${new Date().toISOString()}'`;
    await rows('kiln_amphora_health', { amphora_id: amphora, last_heard: heard, beats: '1' });
    await rows('kiln_listener_statistics', {
      listener_id: listener,
      amphora_id: amphora,
      bytes_in: '1000',
      bytes_out: '2000',
      active_connections: '1',
      total_connections: '10',
      request_errors: '0',
    });
    await rows('kiln_operation', {
      id: idInSql('op', 'seq'),
      flow: `'create-load-balancer'`,
      subject: loadBalancer,
      input: `'{}'`,
      priority: '10',
      status: `'done'`,
      fence: '1',
      entry_count: '0',
      ...times,
    });
    const { rows: tables } = await sql<{ name: string }>`select table_name as name from information_schema.tables
      where table_schema = database()`.execute(database);
    for (const { name } of tables) await sql`analyze table ${sql.table(name)}`.execute(database);
  } finally {
    await database.destroy();
  }
}

/** Rows for 1 to `size` as `seq`, and for each of them 1 to `each` as `part`. */
async function insert(
  database: KilnDatabase,
  table: string,
  columns: string[],
  values: RawBuilder<unknown>[],
  { size, each = 1, where }: { size: number; each?: number; where?: string | undefined },
): Promise<void> {
  const step = AT_ONCE / each;
  for (let first = 1; first <= size; first += step) {
    const numbers = `seq_${first}_to_${Math.min(size, first + step - 1)}`;
    await sql`insert into ${sql.table(table)} (${sql.join(columns.map((name) => sql.ref(name)))})
      select ${sql.join(values)} from ${sql.raw(numbers)}, (select seq as part from ${sql.raw(`seq_1_to_${each}`)}) parts
      ${sql.raw(where === undefined ? '' : `where ${where}`)}`.execute(database);
  }
}
