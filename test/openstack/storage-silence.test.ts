import { describeSilenceStoreContract } from '../kit/contract/silence-store.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/** Silence and what follows from it, in the test bed's MariaDB. */

describeSilenceStoreContract('MariaDB', makeDatabase);
