import { Type } from 'typebox';
import { dateTime, flag, list, nullable } from './fields.ts';

const textOrNull = () => nullable(Type.String());

/** `GET /v2/kiln/images`: of Kiln, not of Octavia. */
export const imagesAnswer = Type.Object({
  images: list(
    Type.Object({
      id: Type.String(),
      name: textOrNull(),
      tags: list(Type.String()),
      owner_id: textOrNull(),
      hash_algo: textOrNull(),
      hash: textOrNull(),
      created_at: dateTime(),
    }),
  ),
});

/** `GET /v2/kiln/images/tag-history`. Times are of Kiln's looks at Glance. */
export const tagHistoryAnswer = Type.Object({
  tag_history: list(
    Type.Object({
      tag: Type.String(),
      image_id: Type.String(),
      image_name: textOrNull(),
      seen_at: dateTime(),
      was_there: flag(),
      gone_at: nullable(dateTime()),
    }),
  ),
});
