import { describeHealthStoreContract } from '../../src/testing/contract/health-store.ts';
import { makeDatabase } from './storage-database.ts';

/** What heartbeats told, in the test bed's MariaDB. */

describeHealthStoreContract('MariaDB', makeDatabase);
