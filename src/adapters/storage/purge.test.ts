import { describePurgeContract } from '../../../test/kit/contract/purge.ts';
import { newSqlite } from '../../../test/kit/sqlite.ts';

describePurgeContract('SQLite', newSqlite);
