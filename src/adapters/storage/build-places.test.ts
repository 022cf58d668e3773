import { describeBuildPlacesContract } from '../../../test/kit/contract/build-places.ts';
import { newSqlite } from '../../../test/kit/sqlite.ts';

describeBuildPlacesContract('SQLite', newSqlite, 1);
