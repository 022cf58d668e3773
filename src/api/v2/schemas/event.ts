import { Type } from 'typebox';
import { onePage, optionalFields } from './query.ts';

/** `GET /v2/kiln/events`: of Kiln, not of Octavia. One JSON object a line. */
export const allEventLines = Type.String({
  contentMediaType: 'application/x-ndjson',
  description:
    'One JSON object a line: id, at, source (release, operation, tag), kind, actor, load_balancer_id, release_id, operation_id, reason, data. With follow=true also empty lines, as signs of life.',
});

export const allEventsQuery = optionalFields({
  limit: onePage().limit,
  after: Type.String({
    description:
      'ID of an event: those behind it, the first ones first. Without it: the newest ones. With follow=true those of half a minute before it may come again, as something may have been written late.',
  }),
  follow: Type.Boolean({
    description: 'Goes on as things happen, for a minute; whoever comes back says after what.',
  }),
});
