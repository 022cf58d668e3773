import { describeFlavorStoreContract } from '../kit/contract/flavor-store.ts';
import { describeQuotaStoreContract } from '../kit/contract/quota-store.ts';
import { describeQuotasAtOnce } from '../kit/quota-suite.ts';
import { migratedDatabases } from '../kit/testbed-database.ts';

/** Flavors, availability zones and quotas in the test bed's MariaDB. */

const makeDatabase = migratedDatabases();

describeFlavorStoreContract('MariaDB', makeDatabase);
describeQuotaStoreContract('MariaDB', makeDatabase);
describeQuotasAtOnce('MariaDB', makeDatabase);
