import { openDatabase } from '../../src/adapters/storage/database.ts';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { describeBuildPlacesContract } from '../kit/contract/build-places.ts';
import { describeJournalContract, describeSharedJournalContract } from '../kit/contract/journal.ts';
import { migratedDatabases } from '../kit/testbed-database.ts';

/** The journal, and the places that workers share, in the test bed's MariaDB. */

const makeDatabase = migratedDatabases();

describeJournalContract('MariaDB', async (clock) => {
  const subject = await makeDatabase();
  const database = await openDatabase(subject.connection, clock);
  return {
    journal: createJournal(database, clock),
    close: async () => {
      await database.destroy();
      await subject.close();
    },
  };
});

describeSharedJournalContract('MariaDB', makeDatabase);
describeBuildPlacesContract('MariaDB', makeDatabase, 3);
