import type { ImageChoice } from '../../model/image.ts';
import { isMysql } from './engine.ts';
import type { KilnDatabase } from './schema.ts';

/** Writes down what is known of an image that an amphora boots: Glance may forget it before the amphora ends. */
export async function rememberImage(
  database: KilnDatabase,
  { imageId, image }: ImageChoice,
  at: string,
): Promise<void> {
  const insert = database.insertInto('kiln_amphora_image').values({
    id: imageId,
    name: image?.name ?? null,
    created_at: image?.createdAt ?? null,
    first_used_at: at,
  });
  const known = { ...(image?.name && { name: image.name }), ...(image && { created_at: image.createdAt }) };
  const same = Object.keys(known).length > 0 ? known : { id: imageId };
  await (isMysql(database)
    ? insert.onDuplicateKeyUpdate(same)
    : insert.onConflict((conflict) => conflict.column('id').doUpdateSet(same))
  ).execute();
}
