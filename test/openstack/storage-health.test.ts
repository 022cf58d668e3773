import { describeHealthStoreContract } from '../kit/contract/health-store.ts';
import { describeTrafficSamplesContract } from '../kit/contract/traffic-samples.ts';
import { migratedDatabases } from '../kit/testbed-database.ts';

/** What heartbeats reported, and samples of it, in the test bed's MariaDB. */

const makeDatabase = migratedDatabases();

describeHealthStoreContract('MariaDB', makeDatabase);
describeTrafficSamplesContract('MariaDB', makeDatabase);
