import type { ReleaseEvent } from '../../../model/release.ts';
import { defineCommand } from '../../command.ts';
import { parseWhole } from '../../options.ts';
import { eventDocument } from './document.ts';
import { findRelease, releaseArgument } from './find.ts';
import { renderEvent } from './render.ts';

const PAGE = 1000;

export const releaseHistory = defineCommand<{ after?: number; limit?: number; loadBalancer?: string }>({
  noun: 'release',
  verb: 'history',
  summary: 'Show what was decided in a release: when, by whom, and why',
  arguments: [releaseArgument],
  options: [
    {
      flags: '--after <number>',
      help: 'events with a larger number',
      parse: parseWhole('--after', 0, Number.MAX_SAFE_INTEGER),
    },
    { flags: '--limit <number>', help: 'at most so many (default: all)', parse: parseWhole('--limit', 1, 1_000_000) },
    { flags: '--load-balancer <id>', help: 'those about this load balancer alone' },
  ],
  examples: ['kiln release history', 'kiln release history --load-balancer 3f0d6f2f-8f3e-4b0a-9a53-6f0f4d1f2f7a'],
  exits: [],
  async run({ arguments: [id], options, context, signal }) {
    const { limit = Number.POSITIVE_INFINITY, loadBalancer } = options;
    const releases = await context.releases();
    const { spec } = await findRelease(releases, id, { orNewest: true });
    const found: ReleaseEvent[] = [];
    for (let after = options.after ?? 0; found.length < limit; ) {
      signal.throwIfAborted();
      const page = await releases.events(spec.id, after, PAGE);
      found.push(...page.filter((event) => loadBalancer === undefined || event.loadBalancerId === loadBalancer));
      after = page.at(-1)?.n ?? after;
      if (page.length < PAGE) break;
    }
    const events = found.slice(0, limit);
    return {
      document: events.map(eventDocument),
      ids: events.map(({ n }) => String(n)),
      render: (view) =>
        events.length === 0
          ? 'Nothing was decided.'
          : events.map((event) => renderEvent(event, view, { isWhole: true })).join('\n'),
    };
  },
});
