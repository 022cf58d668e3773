import { describeHealthStoreContract } from '../kit/contract/health-store.ts';
import { describeTrafficSamplesContract } from '../kit/contract/traffic-samples.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/** What heartbeats reported, and samples of it, in the test bed's MariaDB. */

describeHealthStoreContract('MariaDB', makeDatabase);
describeTrafficSamplesContract('MariaDB', makeDatabase);
