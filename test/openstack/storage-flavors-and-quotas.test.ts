import { describeFlavorStoreContract } from '../../src/testing/contract/flavor-store.ts';
import { describeQuotaStoreContract } from '../../src/testing/contract/quota-store.ts';
import { makeDatabase } from '../support/testbed-database.ts';

/** Flavors, availability zones and quotas in the test bed's MariaDB. */

describeFlavorStoreContract('MariaDB', makeDatabase);
describeQuotaStoreContract('MariaDB', makeDatabase);
