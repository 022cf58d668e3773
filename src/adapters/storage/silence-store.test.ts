import { describeSilenceStoreContract } from '../../../test/kit/contract/silence-store.ts';
import { newSqlite } from '../../../test/kit/sqlite.ts';

describeSilenceStoreContract('SQLite', newSqlite);
