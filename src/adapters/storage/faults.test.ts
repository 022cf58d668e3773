import { expect, it } from 'vitest';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { givesUp } from '../../flows/engine/give-up.ts';
import type { KilnError } from '../../model/errors.ts';
import { attempt } from './faults.ts';

const clock = createFakeClock({ autoAdvance: true });
const faultOf = (error: object): Promise<KilnError> =>
  attempt(clock, () => Promise.reject(Object.assign(new Error('as the driver says it'), error))).catch((it) => it);

/** The driver's numbers (mysql2) and names (better-sqlite3); `advice` is a part of what is to be done. */
it.each<[string, object, { retryable: boolean; advice: string }]>([
  ['the server stops', { errno: 1053 }, { retryable: true, advice: 'whether the database runs' }],
  ['a broken connection', { errno: 1159 }, { retryable: true, advice: 'whether the database runs' }],
  ['too many connections', { errno: 1040 }, { retryable: true, advice: 'whether the database runs' }],
  ['too many connections of this user', { errno: 1203 }, { retryable: true, advice: 'whether the database runs' }],
  ['more than the user may have in an hour', { errno: 1226 }, { retryable: true, advice: 'whether the database runs' }],
  ['a statement took too long', { errno: 1969 }, { retryable: true, advice: 'whether the database runs' }],
  ['no more threads', { errno: 1135 }, { retryable: true, advice: 'whether the database runs' }],
  ['the node leaves the cluster at COMMIT', { errno: 1180 }, { retryable: true, advice: 'whether the database runs' }],
  ['no room for one more lock', { errno: 1206 }, { retryable: true, advice: 'whether the database runs' }],
  ['a proxy that lost its server', { errno: 2013 }, { retryable: true, advice: 'whether the database runs' }],
  ['a proxy that reaches no server', { errno: 9001 }, { retryable: true, advice: 'whether the database runs' }],
  ['a server that is offline', { errno: 3032 }, { retryable: true, advice: 'whether the database runs' }],
  ['a table that is changed all the time', { errno: 1412 }, { retryable: true, advice: 'whether the database runs' }],
  ['a race for the lock of SQLite', { code: 'SQLITE_PROTOCOL' }, { retryable: true, advice: 'the database runs' }],
  ['no memory to sort in', { errno: 1038 }, { retryable: true, advice: 'Make room' }],
  ['the disk is full', { errno: 1021 }, { retryable: true, advice: 'Make room' }],
  ['a full table', { errno: 1114 }, { retryable: true, advice: 'Make room' }],
  ['the storage engine failed', { errno: 1030 }, { retryable: true, advice: 'Make room' }],
  ['a full disk under SQLite', { code: 'SQLITE_FULL' }, { retryable: true, advice: 'Make room' }],
  ['no room for the index of SQLite', { code: 'SQLITE_IOERR_SHMSIZE' }, { retryable: true, advice: 'Make room' }],
  ['too many files', { errno: 1016 }, { retryable: true, advice: 'Make room' }],
  ['no room for a temporary file', { errno: 1878 }, { retryable: true, advice: 'Make room' }],
  ['a server that only reads', { errno: 1290 }, { retryable: true, advice: 'whether the database runs' }],
  ['transactions that only read', { errno: 1792 }, { retryable: true, advice: 'whether the database runs' }],
  ['a query that was killed', { errno: 1317 }, { retryable: true, advice: 'whether the database runs' }],
  ['too many transactions', { errno: 1637 }, { retryable: true, advice: 'whether the database runs' }],
  ['no more prepared statements', { errno: 1461 }, { retryable: true, advice: 'whether the database runs' }],
  [
    'a statement that is to be prepared again',
    { errno: 1615 },
    { retryable: true, advice: 'whether the database runs' },
  ],
  ['a proxy that broke off its greeting', { errno: 1043 }, { retryable: true, advice: 'whether the database runs' }],
  ['a member that takes nothing now', { errno: 3100 }, { retryable: true, advice: 'whether the database runs' }],
  ['a broken disk under SQLite', { code: 'SQLITE_IOERR_READ' }, { retryable: false, advice: 'disk' }],
  ['another password', { errno: 1045 }, { retryable: false, advice: 'the rights of the user' }],
  ['the database was dropped', { errno: 1049 }, { retryable: false, advice: 'the rights of the user' }],
  ['a table was dropped', { errno: 1146 }, { retryable: false, advice: 'the rights of the user' }],
  ['the user may only read', { errno: 1142 }, { retryable: false, advice: 'the rights of the user' }],
])('%s: a fault of the database, for which no operation is given up', async (_, driver, { retryable, advice }) => {
  const fault = await faultOf(driver);
  expect(fault).toMatchObject({ code: 'STATE_UNUSABLE', retryable, advice: expect.stringContaining(advice) });
  expect(givesUp(fault, { since: '2000-01-01T00:00:00Z', isOutOfTries: true }, { clock, giveUpAfterMs: 1 })).toBe(
    false,
  );
});

it.each([{ errno: 1062 }, { errno: 1064 }, { code: 'SQLITE_CONSTRAINT_UNIQUE' }, {}])(
  '%j is what it is: no fault of the database',
  async (driver) => {
    expect(await faultOf(driver)).not.toHaveProperty('retryable');
  },
);
