import type { Kysely } from 'kysely';
import { createIndex } from '../ddl.ts';

/** Indices: older versions go on with them. */
export const compatible = true;

/** What is looked at again and again is found, or counted, without a look at the rows of the whole fleet. */
export async function up(database: Kysely<unknown>): Promise<void> {
  const amphora = (name: string, columns: string[]) =>
    createIndex(database, `kiln_amphora_${name}`, 'kiln_amphora', columns);
  await amphora('images', ['load_balancer_id', 'image_id', 'status']);
  await amphora('compute', ['compute_id']);
  await amphora('certificates', ['status', 'cert_expiration']);
  await amphora('renewals', ['cert_rotation_attempts']);
  await amphora('configurations', ['status', 'agent_config_digest']);
  await createIndex(database, 'kiln_load_balancer_counts', 'kiln_load_balancer', [
    'assigned_image_id',
    'flavor_id',
    'topology',
    'provisioning_status',
    'operating_status',
  ]);
}
