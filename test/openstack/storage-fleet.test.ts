import { describeFleetStoreContract } from '../kit/contract/fleet-store.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/** The fleet, counted in the test bed's MariaDB. */

describeFleetStoreContract('MariaDB', makeDatabase);
