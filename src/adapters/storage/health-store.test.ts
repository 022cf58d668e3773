import { describeHealthStoreContract } from '../../../test/kit/contract/health-store.ts';
import { newSqlite } from '../../../test/kit/sqlite.ts';

describeHealthStoreContract('SQLite', newSqlite);
