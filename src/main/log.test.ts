import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { KilnError } from '../model/errors.ts';
import { createLog } from './log.ts';

const folder = mkdtempSync(join(tmpdir(), 'kiln-log-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function logged(fields: object): { text: string; line: Record<string, never> } {
  const file = join(folder, `${++files}.log`);
  createLog({ debug: true, file }).error(fields, 'it failed');
  const text = readFileSync(file, 'utf8');
  return { text, line: JSON.parse(text) };
}

it('writes the lines of a turn together at its end, a warning at once with those before it', async () => {
  const file = join(folder, `${++files}.log`);
  const log = createLog({ debug: false, file });
  const written = () => [...readFileSync(file, 'utf8').matchAll(/"msg":"(.+?)"/g)].map(([, message]) => message);
  log.info({}, 'one');
  log.info({}, 'two');
  expect(written()).toEqual([]);
  await new Promise(setImmediate);
  expect(written()).toEqual(['one', 'two']);
  log.info({}, 'three');
  log.warn({}, 'four');
  expect(written()).toEqual(['one', 'two', 'three', 'four']);
});

const secret = 'pl4nted';

it('has words, stack and code of an error and of its causes', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const { line } = logged({ err: new KilnError('STATE_UNUSABLE', 'the database failed', { cause }) });
  expect(line.err).toMatchObject({
    type: 'KilnError',
    message: 'the database failed',
    code: 'STATE_UNUSABLE',
    stack: expect.stringContaining('log.test.ts'),
    cause: { message: 'connect ECONNREFUSED', code: 'ECONNREFUSED' },
  });
});

it.each([
  ['a statement with its values', Object.assign(new Error('lost'), { sql: `insert into t values ('${secret}')` })],
  ['parameters', Object.assign(new Error('lost'), { parameters: [secret] })],
  ['a URL that is none', toError(() => new URL(`http://u:${secret}@[::/`))],
  ['a response', Object.assign(new Error('refused'), { response: { headers: { 'x-subject-token': secret } } })],
  [
    'the cause of the cause',
    new Error('a', { cause: new Error('b', { cause: Object.assign(new Error('c'), { secret }) }) }),
  ],
  ['one of several', new AggregateError([Object.assign(new Error('a'), { password: secret })], 'all failed')],
])('has not what hangs on an error: %s', (_what, err) => {
  expect(logged({ err }).text).not.toContain(secret);
});

it.each([
  { password: secret },
  { user: { password: secret } },
  { token: secret, 'x-auth-token': secret, heartbeatKey: secret, passphrase: secret, privateKeyPem: secret },
  { headers: { 'x-auth-token': secret, 'X-Subject-Token': secret, authorization: secret } },
])('has no field that is a secret by its name: %j', (fields) => {
  expect(logged(fields).text).not.toContain(secret);
});

it('ends with causes that go round', () => {
  const err = new Error('round');
  err.cause = err;
  expect(logged({ err }).text).toContain('round');
});

function toError(fail: () => unknown): unknown {
  try {
    return fail();
  } catch (thrown) {
    return thrown;
  }
}
