import { describeFlavorStoreContract } from '../../../test/kit/contract/flavor-store.ts';
import { newSqlite } from '../../../test/kit/sqlite.ts';

describeFlavorStoreContract('SQLite', newSqlite);
