import { describeQuotasAtOnce } from '../kit/quota-suite.ts';
import { newSqlite } from '../kit/sqlite.ts';

describeQuotasAtOnce('SQLite', newSqlite);
