import { describeReleaseStoreContract } from '../kit/contract/release-store.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/** Releases in the test bed's MariaDB. */

describeReleaseStoreContract('MariaDB', makeDatabase);
