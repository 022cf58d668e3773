import { describeWorkerRegistryContract } from '../../../test/kit/contract/worker-registry.ts';
import { newSqlite } from '../../../test/kit/sqlite.ts';

describeWorkerRegistryContract('SQLite', newSqlite);
