import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeJournalContract, describeSharedJournalContract } from '../../../test/kit/contract/journal.ts';
import { createFakeJournal } from '../../../test/kit/fakes/fake-journal.ts';
import { openDatabase } from './database.ts';
import { createJournal } from './journal.ts';

async function makeDatabase() {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-journal-'));
  return {
    connection: `sqlite:///${folder}/kiln.sqlite`,
    close: async () => rmSync(folder, { recursive: true }),
  };
}

describeJournalContract('in memory', async (clock) => ({ journal: createFakeJournal(clock), close: async () => {} }));

describeJournalContract('SQLite', async (clock) => {
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

describeSharedJournalContract('SQLite', makeDatabase);
