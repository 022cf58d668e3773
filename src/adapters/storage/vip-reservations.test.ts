import { describeVipReservationsContract } from '../../../test/kit/contract/vip-reservations.ts';
import { newSqlite } from '../../../test/kit/sqlite.ts';

describeVipReservationsContract('SQLite', newSqlite);
