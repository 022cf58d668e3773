import { type Expression, type ExpressionBuilder, expressionBuilder, type Kysely, type SqlBool } from 'kysely';
import { KilnError } from '../../model/errors.ts';
import type { FlavorCapabilities, ZoneCapabilities } from '../../model/flavor.ts';
import { endedStatuses } from '../../model/operation.ts';
import type { FieldType } from '../../model/resource-fields.ts';
import type { Clock } from '../../ports/clock.ts';
import type { FlavorKind, FlavorStore, Flavors } from '../../ports/flavor-store.ts';
import { attempt, isDuplicate } from './faults.ts';
import { type PagedTable, selectPageOf } from './list-query.ts';
import { columnsOf, fromColumns, toColumns } from './resource-tables.ts';
import type { KilnDatabase, ResourceValues } from './schema.ts';

interface FlavorTable extends PagedTable {
  /** The kind that its rows refer to, and by which field. */
  profile: { kind: FlavorKind; field: string } | null;
  /** What refers to its rows: tables and their columns; rows with such a status do not count. */
  users: readonly { table: string; column: string; counts?: { column: string; not: readonly string[] } }[];
}

type FieldsOf<Model> = { [Field in keyof Model]: FieldType };

/** Checks that every field of the model has a column. */
const table = <Kind extends FlavorKind>(
  kind: Kind,
  fields: FieldsOf<Flavors[Kind]>,
  rest: Omit<FlavorTable, 'kind' | 'columns'>,
): FlavorTable => ({ kind, columns: columnsOf(fields as Record<string, FieldType>), ...rest });

const unlessDeleted = { column: 'provisioning_status', not: ['DELETED'] };
const unlessEnded = { column: 'status', not: [...endedStatuses] };

const tables: Readonly<Record<FlavorKind, FlavorTable>> = {
  flavorProfile: table(
    'flavorProfile',
    { id: 'string', name: 'string', providerName: 'string', flavorData: 'string' },
    {
      table: 'kiln_flavor_profile',
      key: 'id',
      profile: null,
      users: [{ table: 'kiln_flavor', column: 'flavor_profile_id' }],
    },
  ),
  flavor: table(
    'flavor',
    { id: 'string', name: 'string', description: 'string', enabled: 'boolean', flavorProfileId: 'string' },
    {
      table: 'kiln_flavor',
      key: 'id',
      profile: { kind: 'flavorProfile', field: 'flavorProfileId' },
      users: [
        { table: 'kiln_load_balancer', column: 'flavor_id', counts: unlessDeleted },
        { table: 'kiln_operation', column: 'held_flavor_id', counts: unlessEnded },
      ],
    },
  ),
  availabilityZoneProfile: table(
    'availabilityZoneProfile',
    { id: 'string', name: 'string', providerName: 'string', availabilityZoneData: 'string' },
    {
      table: 'kiln_availability_zone_profile',
      key: 'id',
      profile: null,
      users: [{ table: 'kiln_availability_zone', column: 'availability_zone_profile_id' }],
    },
  ),
  availabilityZone: table(
    'availabilityZone',
    { name: 'string', description: 'string', enabled: 'boolean', availabilityZoneProfileId: 'string' },
    {
      table: 'kiln_availability_zone',
      key: 'name',
      profile: { kind: 'availabilityZoneProfile', field: 'availabilityZoneProfileId' },
      users: [{ table: 'kiln_load_balancer', column: 'availability_zone', counts: unlessDeleted }],
    },
  ),
};

/** The tables of all kinds, seen as one shape. */
type Shape = Record<string, ResourceValues>;
const row = expressionBuilder<Shape, string>();

/** Flavors and availability zones with their profiles, a table for each. */
export function createFlavorStore(database: KilnDatabase, clock: Clock): FlavorStore {
  const rows = database as unknown as Kysely<Shape>;

  async function get<Kind extends FlavorKind>(kind: Kind, key: string): Promise<Flavors[Kind] | null> {
    const { table, key: field, columns } = tables[kind];
    const found = await rows.selectFrom(table).selectAll().where(field, '=', key).executeTakeFirst();
    return found ? (fromColumns(columns, found) as unknown as Flavors[Kind]) : null;
  }

  /** The JSON text of the profile that a flavor or a zone has. */
  async function profileData(kind: 'flavor' | 'availabilityZone', key: string, column: string): Promise<string> {
    const { table, key: field, profile } = tables[kind];
    if (!profile) throw new KilnError('INTERNAL', `${kind} has no profile`);
    const reference = tables[kind].columns.get(profile.field)?.name ?? '';
    const found = await attempt(clock, () =>
      rows
        .selectFrom(`${table} as one`)
        .innerJoin(`${tables[profile.kind].table} as profile`, 'profile.id', `one.${reference}`)
        .select(`profile.${column} as data`)
        .where(`one.${field}`, '=', key)
        .executeTakeFirst(),
    );
    if (!found) throw notThere(kind, key);
    return String(found.data);
  }

  return {
    list: (kind, query) =>
      attempt(clock, async () => {
        const filters = Object.fromEntries(Object.entries(query.filters).map(([field, value]) => [field, [value]]));
        const page = await selectPageOf(database, tables[kind], { ...query, filters });
        return page.map((values) => fromColumns(tables[kind].columns, values) as unknown as Flavors[typeof kind]);
      }),

    get: (kind, key) => attempt(clock, () => get(kind, key)),

    async insert(kind, model) {
      const { table, columns, profile } = tables[kind];
      const values = toColumns(columns, model);
      if (!profile) {
        await attempt(clock, () => rows.insertInto(table).values(values).execute());
        return;
      }
      const profileId = String((model as unknown as Record<string, unknown>)[profile.field]);
      // From the profile's own row: a profile that somebody deletes at this moment gets no flavor.
      const { numInsertedOrUpdatedRows } = await unlessTaken(kind, () =>
        attempt(clock, () =>
          rows
            .insertInto(table)
            .columns(Object.keys(values))
            .expression(
              rows
                .selectFrom(tables[profile.kind].table)
                .select(Object.entries(values).map(([name, value]) => row.val(value).as(name)))
                .where('id', '=', profileId),
            )
            .executeTakeFirstOrThrow(),
        ),
      );
      if (numInsertedOrUpdatedRows !== 1n) throw notThere(profile.kind, profileId);
    },

    async update(kind, key, patch) {
      const { table, key: field, columns, profile } = tables[kind];
      const named = new Map([...columns].filter(([name]) => name !== field && Object.hasOwn(patch, name)));
      // What a flavor means stays as it is while there is the flavor.
      const mustBeUnused = !profile && [...named.keys()].some((name) => name !== 'name');
      return await unlessTaken(kind, () =>
        attempt(clock, async () => {
          if (named.size > 0) {
            const update = rows.updateTable(table).set(toColumns(named, patch)).where(field, '=', key);
            const { numUpdatedRows } = await (mustBeUnused
              ? update.where(unused(kind, key) as never)
              : update
            ).executeTakeFirst();
            if (mustBeUnused && numUpdatedRows === 0n && (await get(kind, key))) throw inUse(kind, key);
          }
          const found = await get(kind, key);
          if (!found) throw notThere(kind, key);
          return found;
        }),
      );
    },

    delete: (kind, key) =>
      attempt(clock, async () => {
        const { table, key: field } = tables[kind];
        const { numDeletedRows } = await rows
          .deleteFrom(table)
          .where(field, '=', key)
          .where(unused(kind, key) as never)
          .executeTakeFirst();
        if (numDeletedRows === 1n) return;
        if (!(await get(kind, key))) throw notThere(kind, key);
        throw inUse(kind, key);
      }),

    async flavorCapabilities(flavorId) {
      if (flavorId === null) return {};
      return JSON.parse(await profileData('flavor', flavorId, 'flavor_data')) as FlavorCapabilities;
    },

    async zoneCapabilities(zoneName) {
      if (zoneName === null) return null;
      return JSON.parse(await profileData('availabilityZone', zoneName, 'availability_zone_data')) as ZoneCapabilities;
    },
  };
}

/** Nothing that is there uses it. */
function unused(kind: FlavorKind, key: string) {
  const { users } = tables[kind];
  return ({ selectFrom, exists, not, and }: ExpressionBuilder<Shape, string>): Expression<SqlBool> =>
    and(
      users.map(({ table, column, counts }) => {
        const using = selectFrom(table).select(column).where(column, '=', key);
        return not(exists(counts ? using.where(counts.column, 'not in', counts.not) : using));
      }),
    );
}

const inUse = (kind: FlavorKind, key: string) => new KilnError('RESOURCE_CONFLICT', `the ${kind} ${key} is in use`);

const notThere = (kind: FlavorKind, key: string) => new KilnError('RESOURCE_NOT_FOUND', `there is no ${kind} ${key}`);

async function unlessTaken<T>(kind: FlavorKind, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if (!isDuplicate(cause)) throw cause;
    throw new KilnError('RESOURCE_CONFLICT', `another ${kind} has this name`, { cause });
  }
}
