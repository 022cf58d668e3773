import { string } from '../option.ts';

/** [database]: where Kiln keeps its state. */
export const databaseOptions = {
  connection: string({
    default: null,
    deprecatedNames: [
      ['DEFAULT', 'sql_connection'],
      ['DATABASE', 'sql_connection'],
      ['sql', 'connection'],
    ],
    help: 'Database, as SQLAlchemy writes it: sqlite:////absolute/path. Not set: kiln.sqlite in [kiln] state_path. A password in it is never shown.',
  }),
};
