import { type Expression, expressionBuilder, type SqlBool, sql } from 'kysely';
import type { ResourceKind } from '../../model/load-balancer.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ListQuery } from '../../ports/load-balancer-store.ts';
import { inUse, type Quota, type QuotaStore } from '../../ports/quota-store.ts';
import { isMysql } from './engine.ts';
import { attempt } from './faults.ts';
import { type PagedTable, selectPageOf } from './list-query.ts';
import { columnsOf, fromColumns, resourceKinds, tableOf } from './resource-tables.ts';
import type { KilnDatabase } from './schema.ts';

const kinds = columnsOf(Object.fromEntries(resourceKinds.map((kind) => [kind, 'number?'])));
const paged: PagedTable = {
  table: 'kiln_quota',
  kind: 'quota',
  key: 'projectId',
  columns: new Map([...columnsOf({ projectId: 'string' }), ...kinds]),
};
const none = Object.fromEntries(resourceKinds.map((kind) => [kind, null])) as Quota;

/** Quotas in the table `kiln_quota`: a row for a project that has quotas of its own. */
export function createQuotaStore(database: KilnDatabase, clock: Clock): QuotaStore {
  async function get(projectId: string): Promise<Quota> {
    const row = await database
      .selectFrom('kiln_quota')
      .selectAll()
      .where('project_id', '=', projectId)
      .executeTakeFirst();
    return row ? (fromColumns(kinds, row) as Quota) : none;
  }

  return {
    get: (projectId) => attempt(clock, () => get(projectId)),

    list: ({ projectId, ...page }) =>
      attempt(clock, async () => {
        const home = projectId === null ? {} : { project_id: projectId };
        const { filters, conditions } = readFilters(database, page.filters);
        const rows = await selectPageOf(database, paged, { ...page, filters }, { home, conditions });
        return rows.map((row) => fromColumns(paged.columns, row) as Quota & { projectId: string });
      }),

    put: (projectId, patch) =>
      attempt(clock, async () => {
        const named = resourceKinds.filter((kind) => patch[kind] !== undefined);
        const columns = Object.fromEntries(named.map((kind) => [kind, patch[kind] ?? null]));
        const insert = database.insertInto('kiln_quota').values({ project_id: projectId, ...columns });
        // Two at once for one project: each changes what it names. A patch that names nothing still makes the row.
        const update = named.length > 0 ? columns : { project_id: projectId };
        await (isMysql(database)
          ? insert.onDuplicateKeyUpdate(update)
          : insert.onConflict((conflict) => conflict.column('project_id').doUpdateSet(update))
        ).execute();
        return get(projectId);
      }),

    delete: (projectId) =>
      attempt(clock, async () => {
        const deletion = database.deleteFrom('kiln_quota').where('project_id', '=', projectId);
        return (await deletion.executeTakeFirst()).numDeletedRows > 0n;
      }),
  };
}

/** How many a project has is in no column of its quota: it is counted. */
function readFilters(database: KilnDatabase, given: ListQuery['filters']) {
  const conditions = resourceKinds.flatMap((kind) => {
    const numbers = given[inUse(kind)]?.filter((value) => typeof value === 'number');
    return numbers ? [hasSoMany(database, kind, numbers)] : [];
  });
  const counted = new Set(resourceKinds.map(inUse));
  const columns = Object.entries(given).filter(([field]) => !counted.has(field));
  return { filters: Object.fromEntries(columns), conditions };
}

function hasSoMany(database: KilnDatabase, kind: ResourceKind, numbers: readonly number[]): Expression<SqlBool> {
  if (numbers.length === 0) return expressionBuilder().lit(false);
  const count = database
    .selectFrom(tableOf(kind).table as 'kiln_listener')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('project_id', '=', sql<string>`kiln_quota.project_id`)
    .where('provisioning_status', '!=', 'DELETED');
  return sql<SqlBool>`${count} in (${sql.join(numbers)})`;
}
