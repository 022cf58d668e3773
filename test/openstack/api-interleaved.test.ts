import { openInterleavings } from '../kit/interleaving.ts';
import { describeInterleavings } from '../kit/interleaving-suite.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/** Two processes on the test bed's MariaDB: a sample of what `test/contract` does on SQLite. */
describeInterleavings('MariaDB', {
  partsAtLast: 6,
  async open() {
    const database = await makeDatabase();
    const bench = await openInterleavings(database.connection);
    return {
      ...bench,
      close: async () => {
        await bench.close();
        await database.close();
      },
    };
  },
});
