import { describeSilenceStoreContract } from '../kit/contract/silence-store.ts';
import { migratedDatabases } from '../kit/testbed-database.ts';

/** Silence and what follows from it, in the test bed's MariaDB. */

const makeDatabase = migratedDatabases();

describeSilenceStoreContract('MariaDB', makeDatabase);
