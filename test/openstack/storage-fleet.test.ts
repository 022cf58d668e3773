import { describeFleetStoreContract } from '../kit/contract/fleet-store.ts';
import { migratedDatabases } from '../kit/testbed-database.ts';

/** The fleet, counted in the test bed's MariaDB. */

const makeDatabase = migratedDatabases();

describeFleetStoreContract('MariaDB', makeDatabase);
