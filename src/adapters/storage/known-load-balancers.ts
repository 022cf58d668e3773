import { sql } from 'kysely';
import type { LoadBalancer } from '../../model/load-balancer.ts';
import type { ListQuery, RelatedIds } from '../../ports/load-balancer-store.ts';
import { selectPage } from './list-query.ts';
import { listOf } from './many-values.ts';
import { relatedColumns, withRelatedIds } from './related-ids.ts';
import type { KilnDatabase, ResourceValues } from './schema.ts';

type Found = LoadBalancer & { related: RelatedIds };

/** How many are kept in mind: some MiB of them. A longer page is read without. */
const MOST_KNOWN = 2_000;
/** What a page is read by. Beside the revision, which says it all, what tells two of one number apart after a database has lost its last changes. */
const heads = ['id', 'revision', 'updated_at', 'provisioning_status', 'operating_status'] as const;
const stateOf = (row: ResourceValues) => heads.map((column) => row[column]).join(' ');

/**
 * Lists load balancers, each read once for each of its revisions: whatever changes a load balancer, or what belongs to it, counts its revision
 * up in the same transaction (see amphora-directory.ts). So a page asks the database which ones are on it, in which revision; what is in
 * mind in that revision is what is there. The same object is returned for the same revision.
 * @param database not within a transaction, where a revision may yet be another's.
 */
export function createKnownLoadBalancers(database: KilnDatabase): {
  list(query: ListQuery): Promise<readonly Found[]>;
} {
  /** In the order in which they were asked for; the first goes first. */
  const known = new Map<string, { state: string; found: Found }>();

  async function remember(rows: readonly ResourceValues[]): Promise<Found[]> {
    const found = await withRelatedIds(database, 'loadbalancer', rows);
    for (const [index, one] of found.entries()) {
      known.delete(one.id);
      known.set(one.id, { state: stateOf(rows[index] ?? {}), found: Object.freeze(one) });
    }
    for (const id of known.keys()) {
      if (known.size <= MOST_KNOWN) break;
      known.delete(id);
    }
    return found;
  }

  const inMind = (head: ResourceValues): Found | null => {
    const id = String(head.id);
    const kept = known.get(id);
    if (kept?.state !== stateOf(head)) return null;
    known.delete(id);
    known.set(id, kept);
    return kept.found;
  };

  const wholePage = (query: ListQuery) => selectPage(database, 'loadbalancer', query);

  return {
    async list(query) {
      const limit = Math.min(query.limit, MOST_KNOWN + 1);
      const page = await selectPage(database, 'loadbalancer', { ...query, limit }, heads);
      if (page.length > MOST_KNOWN) return await withRelatedIds(database, 'loadbalancer', await wholePage(query));
      let found = page.map(inMind);
      const missing = page.filter((_head, index) => found[index] === null).map(({ id }) => String(id));
      if (missing.length > 0) {
        const rows = await database
          .selectFrom('kiln_load_balancer')
          .selectAll()
          .select(relatedColumns(database, 'loadbalancer'))
          .where(sql<boolean>`id in ${listOf(database, missing)}`)
          .execute();
        await remember(rows as ResourceValues[]);
        found = page.map(inMind);
      }
      // One has changed, or gone, between the two statements: it may not belong on the page any more.
      return found.every((one) => one !== null) ? found : await remember(await wholePage(query));
    },
  };
}
