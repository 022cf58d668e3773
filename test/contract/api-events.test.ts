import { afterEach, beforeEach, expect, it } from 'vitest';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { openStoredApiHarness, type StoredApiHarness } from '../kit/api.ts';

/** `GET /v2/kiln/events`, over a real database. */

let harness: StoredApiHarness;
beforeEach(async () => {
  harness = await openStoredApiHarness();
});
afterEach(() => harness.close());

async function happens(...ids: string[]): Promise<void> {
  const { clock } = harness.deps;
  for (const id of ids) {
    await createJournal(harness.database, clock).enqueue({
      id,
      flow: 'failover-load-balancer',
      subject: 'lb',
      input: { loadBalancerId: 'lb' },
      priority: 0,
    });
    await clock.sleep(10);
  }
}

async function lines(query = '') {
  const answer = await harness.app.inject({ method: 'GET', url: `/v2/kiln/events${query}` });
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([
    200,
    expect.stringMatching(/^application\/x-ndjson/),
  ]);
  const found = answer.body.split('\n').filter((line) => line !== '');
  return found.map((line) => JSON.parse(line) as { id: string; operation_id: string; kind: string });
}

const idsOf = async (query?: string) => (await lines(query)).map((event) => event.operation_id);

it('has the newest ones, and pages on behind each', async () => {
  await happens('a', 'b', 'c', 'd');
  const [first] = await lines();
  expect(first).toEqual({
    id: expect.any(String),
    at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    source: 'operation',
    kind: 'queued',
    actor: null,
    load_balancer_id: 'lb',
    release_id: null,
    operation_id: 'a',
    reason: '',
    data: { flow: 'failover-load-balancer', subject: 'lb' },
  });
  expect([await idsOf(), await idsOf('?limit=2')]).toEqual([
    ['a', 'b', 'c', 'd'],
    ['c', 'd'],
  ]);
  const [one, two] = await lines(`?limit=2&after=${first?.id}`);
  expect([one?.operation_id, two?.operation_id]).toEqual(['b', 'c']);
  expect(await idsOf(`?after=${two?.id}`)).toEqual(['d']);
});

it('goes on for a minute with follow, from where the client was', async () => {
  await happens('a', 'b');
  const [, last] = await lines();
  await harness.deps.clock.sleep(120_000);
  await happens('c');
  const answer = await harness.app.inject({ method: 'GET', url: `/v2/kiln/events?follow=true&after=${last?.id}` });
  const reported = answer.body.split('\n');
  const ids = reported.filter((line) => line !== '').map((line) => JSON.parse(line).operation_id);
  // What was before it comes again, as something may have been written late.
  expect(ids).toEqual(['a', 'b', 'c']);
  expect(reported.filter((line) => line === '').length).toBeGreaterThan(1);
});

it.each([
  ['?after=1', "after. Value: '1'. Take the id of an event."],
  ['?after=x-0123456789abcdef', 'Take the id of an event.'],
  ['?limit=0', 'Allowed is a whole number from 1 to 1000.'],
  ['?follow=maybe', 'Allowed is true or false.'],
  ['?kind=x', 'kind is no parameter here; allowed are limit, after, follow'],
])('%s is 400', async (query, why) => {
  const { status, body } = await harness.call('GET', `/v2/kiln/events${query}`);
  expect([status, body.faultstring]).toEqual([400, expect.stringContaining(why)]);
});
