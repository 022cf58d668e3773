import { describeEventStoreContract } from '../kit/contract/event-store.ts';
import { migratedDatabases } from '../kit/testbed-database.ts';

/** Events, read in one statement of the test bed's MariaDB. */

const makeDatabase = migratedDatabases();

describeEventStoreContract('MariaDB', makeDatabase);
