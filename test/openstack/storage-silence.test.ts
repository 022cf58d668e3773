import { describeSilenceStoreContract } from '../../src/testing/contract/silence-store.ts';
import { makeDatabase } from '../support/testbed-database.ts';

/** Silence and what follows from it, in the test bed's MariaDB. */

describeSilenceStoreContract('MariaDB', makeDatabase);
