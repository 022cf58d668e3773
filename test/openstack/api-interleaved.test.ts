import { openInterleavings } from '../kit/interleaving.ts';
import { describeInterleavings } from '../kit/interleaving-suite.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/** Two processes on the test bed's MariaDB: a sample of what `test/contract` does on SQLite. */
describeInterleavings('MariaDB', {
  partsAtLast: 6,
  async open() {
    const database = await makeDatabase();
    const harness = await openInterleavings(database.connection);
    return {
      ...harness,
      close: async () => {
        await harness.close();
        await database.close();
      },
    };
  },
});
