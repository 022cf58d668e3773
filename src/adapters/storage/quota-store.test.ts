import { describeQuotaStoreContract } from '../../../test/kit/contract/quota-store.ts';
import { newSqlite } from '../../../test/kit/sqlite.ts';

describeQuotaStoreContract('SQLite', newSqlite);
