import { describeEventStoreContract } from '../kit/contract/event-store.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/** Events, read in one statement of the test bed's MariaDB. */

describeEventStoreContract('MariaDB', makeDatabase);
