import { describeJournalContract, describeSharedJournalContract } from '../../../test/kit/contract/journal.ts';
import { createFakeJournal } from '../../../test/kit/fakes/fake-journal.ts';
import { newSqlite } from '../../../test/kit/sqlite.ts';
import { openDatabase } from './database.ts';
import { createJournal } from './journal.ts';

describeJournalContract('in memory', async (clock) => ({ journal: createFakeJournal(clock), close: async () => {} }));

describeJournalContract('SQLite', async (clock) => {
  const subject = await newSqlite();
  const database = await openDatabase(subject.connection, clock);
  return {
    journal: createJournal(database, clock),
    close: async () => {
      await database.destroy();
      await subject.close();
    },
  };
});

describeSharedJournalContract('SQLite', newSqlite);
