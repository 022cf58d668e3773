import { describeHealthStoreContract } from '../../src/testing/contract/health-store.ts';
import { makeDatabase } from '../support/testbed-database.ts';

/** What heartbeats told, in the test bed's MariaDB. */

describeHealthStoreContract('MariaDB', makeDatabase);
