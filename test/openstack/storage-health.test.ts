import { describeHealthStoreContract } from '../kit/contract/health-store.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/** What heartbeats reported, in the test bed's MariaDB. */

describeHealthStoreContract('MariaDB', makeDatabase);
