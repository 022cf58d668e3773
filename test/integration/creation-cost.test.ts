import { describeCreationCost } from '../kit/creation-cost.ts';
import { newSqlite } from '../kit/sqlite.ts';

describeCreationCost('SQLite', newSqlite, { empty: 42, full: 48 });
