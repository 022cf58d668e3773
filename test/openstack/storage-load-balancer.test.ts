import { describeListContract } from '../kit/contract/load-balancer-lists.ts';
import { describeLoadBalancerStoreContract } from '../kit/contract/load-balancer-store.ts';
import { describeVipReservationsContract } from '../kit/contract/vip-reservations.ts';
import { describeCreationCost } from '../kit/creation-cost.ts';
import { migratedDatabases } from '../kit/testbed-database.ts';

/** Load balancers in the test bed's MariaDB. */

const makeDatabase = migratedDatabases();

describeLoadBalancerStoreContract('MariaDB', makeDatabase);
describeListContract('MariaDB', makeDatabase);
describeVipReservationsContract('MariaDB', makeDatabase);
describeCreationCost('MariaDB', makeDatabase, { empty: 36, full: 42 });
