import { describeReleaseStoreContract } from '../kit/contract/release-store.ts';
import { migratedDatabases } from '../kit/testbed-database.ts';

/** Releases in the test bed's MariaDB. */

const makeDatabase = migratedDatabases();

describeReleaseStoreContract('MariaDB', makeDatabase);
