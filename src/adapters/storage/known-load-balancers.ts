import type { LoadBalancer } from '../../model/load-balancer.ts';
import type { ListQuery, RelatedIds } from '../../ports/load-balancer-store.ts';
import { selectPage } from './list-query.ts';
import { relatedColumns, withRelatedIds } from './related-ids.ts';
import type { KilnDatabase, ResourceValues } from './schema.ts';

type Found = LoadBalancer & { related: RelatedIds };

/** How many are kept in mind: some MiB of them. A longer page is read without. */
const MOST_KNOWN = 2_000;

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
  const known = new Map<string, { revision: number; found: Found }>();

  async function remember(rows: readonly ResourceValues[]): Promise<Found[]> {
    const found = await withRelatedIds(database, 'loadbalancer', rows);
    for (const [index, one] of found.entries()) {
      known.delete(one.id);
      known.set(one.id, { revision: Number(rows[index]?.revision), found: Object.freeze(one) });
    }
    for (const id of known.keys()) {
      if (known.size <= MOST_KNOWN) break;
      known.delete(id);
    }
    return found;
  }

  const inMind = ({ id, revision }: ResourceValues): Found | null => {
    const kept = known.get(String(id));
    if (kept?.revision !== Number(revision)) return null;
    known.delete(String(id));
    known.set(String(id), kept);
    return kept.found;
  };

  const wholePage = (query: ListQuery) => selectPage(database, 'loadbalancer', query);

  return {
    async list(query) {
      const heads = await selectPage(database, 'loadbalancer', query, ['id', 'revision']);
      if (heads.length > MOST_KNOWN) return await withRelatedIds(database, 'loadbalancer', await wholePage(query));
      const missing = heads.filter((head) => inMind(head) === null).map(({ id }) => String(id));
      if (missing.length > 0) {
        const rows = await database
          .selectFrom('kiln_load_balancer')
          .selectAll()
          .select(relatedColumns(database, 'loadbalancer'))
          .where('id', 'in', missing)
          .execute();
        await remember(rows as ResourceValues[]);
      }
      const found = heads.map(inMind);
      // One has changed, or gone, between the two statements: it may not belong on the page any more.
      return found.every((one) => one !== null) ? found : await remember(await wholePage(query));
    },
  };
}
