import { describeListContract } from '../../src/testing/contract/load-balancer-lists.ts';
import { describeLoadBalancerStoreContract } from '../../src/testing/contract/load-balancer-store.ts';
import { describeVipReservationsContract } from '../../src/testing/contract/vip-reservations.ts';
import { makeDatabase } from '../support/testbed-database.ts';

/** Load balancers in the test bed's MariaDB. */

describeLoadBalancerStoreContract('MariaDB', makeDatabase);
describeListContract('MariaDB', makeDatabase);
describeVipReservationsContract('MariaDB', makeDatabase);
