import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { newSqlite } from '../../../test/kit/sqlite.ts';
import { openDatabase } from './database.ts';
import type { KilnDatabase } from './schema.ts';
import { createTagHistory } from './tag-history.ts';

const clock = createFakeClock({ autoAdvance: true });
let subject: Awaited<ReturnType<typeof newSqlite>>;
let database: KilnDatabase;

beforeEach(async () => {
  subject = await newSqlite();
  database = await openDatabase(subject.connection, clock);
});
afterEach(async () => {
  await database.destroy();
  await subject.close();
});

it('keeps from when to when an image carried a tag, and says what is new', async () => {
  const history = createTagHistory(database, clock);
  const [one, two] = [
    { id: 'i1', name: 'amphora-1' },
    { id: 'i2', name: null },
  ];
  expect(await history.record('amphora', [one], '2026-01-01T00:00:00.000Z')).toEqual({ added: ['i1'], removed: [] });
  expect(await history.record('amphora', [one], '2026-01-01T00:00:30.000Z')).toEqual({ added: [], removed: [] });
  expect(await history.record('amphora', [two], '2026-01-02T00:00:00.000Z')).toEqual({
    added: ['i2'],
    removed: ['i1'],
  });
  expect(await history.record('edge', [two], '2026-01-02T00:00:01.000Z')).toEqual({ added: ['i2'], removed: [] });
  expect(await history.record('amphora', [], '2026-01-03T00:00:00.000Z')).toEqual({ added: [], removed: ['i2'] });
  expect(await history.list(3)).toEqual([
    { tag: 'edge', imageId: 'i2', imageName: null, seenAt: '2026-01-02T00:00:01.000Z', wasThere: true, goneAt: null },
    {
      ...{ tag: 'amphora', imageId: 'i2', imageName: null, wasThere: false },
      ...{ seenAt: '2026-01-02T00:00:00.000Z', goneAt: '2026-01-03T00:00:00.000Z' },
    },
    {
      ...{ tag: 'amphora', imageId: 'i1', imageName: 'amphora-1', wasThere: true },
      ...{ seenAt: '2026-01-01T00:00:00.000Z', goneAt: '2026-01-02T00:00:00.000Z' },
    },
  ]);
  await history.record('amphora', [one], '2027-06-01T00:00:00.000Z');
  await history.record('amphora', [], '2027-06-02T00:00:00.000Z');
  expect(await history.list(9)).toMatchObject([{ imageId: 'i1', wasThere: false }, { tag: 'edge' }]);
  expect(await history.flavorTags()).toEqual([]);
});
