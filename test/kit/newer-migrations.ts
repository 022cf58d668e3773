import { addColumn, createTable } from '../../src/adapters/storage/ddl.ts';
import { type KilnMigration, ownMigrations } from '../../src/adapters/storage/migrate.ts';

/** The changes of a Kiln that does not exist yet: this one's, and one more, that adds a table and a column. */
export function newerMigrations(compatible: boolean): Record<string, KilnMigration> {
  return {
    ...ownMigrations,
    '9999-newer': {
      compatible,
      async up(database) {
        await createTable(database, 'kiln_newer').addColumn('id', 'varchar(36)').execute();
        await addColumn(database, 'kiln_operation', 'rolled_by', 'varchar(36)');
      },
    },
  };
}
