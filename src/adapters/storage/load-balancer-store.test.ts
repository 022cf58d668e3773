import { describeListContract } from '../../../test/kit/contract/load-balancer-lists.ts';
import { describeLoadBalancerStoreContract } from '../../../test/kit/contract/load-balancer-store.ts';
import { newSqlite } from '../../../test/kit/sqlite.ts';

describeLoadBalancerStoreContract('SQLite', newSqlite);
describeListContract('SQLite', newSqlite);
