import type { Clock } from '../../ports/clock.ts';
import type { TagHistory } from '../../ports/tag-history.ts';
import { attempt } from './faults.ts';
import { readFlavorTags } from './release-fleet.ts';
import type { KilnDatabase } from './schema.ts';

const KEPT_MS = 365 * 24 * 3600 * 1000;

/** In the table `kiln_tagged_image`: a row for each while that an image carries a tag. */
export function createTagHistory(database: KilnDatabase, clock: Clock): TagHistory {
  return {
    flavorTags: () => attempt(clock, async () => [...new Set((await readFlavorTags(database)).values())]),

    record: (tag, images, at) =>
      attempt(clock, () =>
        database.transaction().execute(async (transaction) => {
          const rows = await transaction
            .selectFrom('kiln_tagged_image')
            .select(['image_id', 'gone_at'])
            .where('tag', '=', tag)
            .execute();
          const open = new Set(rows.flatMap((row) => (row.gone_at === null ? [row.image_id] : [])));
          const now = new Set(images.map(({ id }) => id));
          const added = images.filter(({ id }) => !open.has(id));
          const removed = [...open].filter((id) => !now.has(id));
          if (added.length > 0) {
            const common = { tag, seen_at: at, was_there: rows.length === 0 ? 1 : 0, gone_at: null };
            await transaction
              .insertInto('kiln_tagged_image')
              .values(
                added.map(({ id, name }) => ({ ...common, image_id: id, image_name: name?.slice(0, 255) ?? null })),
              )
              .execute();
          }
          if (removed.length > 0) {
            await transaction
              .updateTable('kiln_tagged_image')
              .set({ gone_at: at })
              .where('tag', '=', tag)
              .where('gone_at', 'is', null)
              .where('image_id', 'in', removed)
              .execute();
            const old = new Date(Date.parse(at) - KEPT_MS).toISOString();
            await transaction.deleteFrom('kiln_tagged_image').where('gone_at', '<', old).execute();
          }
          return { added: added.map(({ id }) => id), removed };
        }),
      ),

    list: (limit) =>
      attempt(clock, async () => {
        const rows = await database
          .selectFrom('kiln_tagged_image')
          .selectAll()
          .orderBy('seen_at', 'desc')
          .orderBy('image_id')
          .limit(limit)
          .execute();
        return rows.map((row) => ({
          tag: row.tag,
          imageId: row.image_id,
          imageName: row.image_name,
          seenAt: row.seen_at,
          wasThere: row.was_there === 1,
          goneAt: row.gone_at,
        }));
      }),
  };
}
