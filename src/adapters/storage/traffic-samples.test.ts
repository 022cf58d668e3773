import { describeTrafficSamplesContract } from '../../../test/kit/contract/traffic-samples.ts';
import { newSqlite } from '../../../test/kit/sqlite.ts';

describeTrafficSamplesContract('SQLite', newSqlite);
