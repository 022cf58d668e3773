import { describeEventStoreContract } from '../../../test/kit/contract/event-store.ts';
import { newSqlite } from '../../../test/kit/sqlite.ts';

describeEventStoreContract('SQLite', newSqlite);
