import type { Kysely } from 'kysely';
import { createIndex } from '../ddl.ts';

export async function up(database: Kysely<unknown>): Promise<void> {
  // `kiln operation list` without a subject.
  await createIndex(database, 'kiln_operation_created', 'kiln_operation', ['created_at', 'id']);
  // What has ended long ago, and which amphorae are under way.
  await createIndex(database, 'kiln_operation_ended', 'kiln_operation', ['status', 'updated_at']);
  await createIndex(database, 'kiln_amphora_status', 'kiln_amphora', ['status', 'updated_at']);
}
