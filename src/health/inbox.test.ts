import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Heartbeat } from '../core/heartbeat/message.ts';
import { createInbox, type Waiting } from './inbox.ts';

function heartbeat(amphoraId: string, sequence: number, bytesIn = 1): Heartbeat {
  const counters = { bytesIn, bytesOut: 0, activeConnections: sequence, totalConnections: 0, requestErrors: 0 };
  return {
    amphoraId,
    sequence,
    version: 3,
    countersAreDeltas: true,
    listeners: new Map([['li', { status: 'OPEN', counters }]]),
    pools: [],
  };
}

function anInbox(largestSize = 1_000) {
  const time = { ms: 0 };
  const inbox = createInbox({ monotonicMs: () => time.ms, patienceMs: () => 12_000, largestSize });
  const put = (...one: Parameters<typeof heartbeat>) => inbox.put(heartbeat(...one), new Date(time.ms));
  return { inbox, put, time };
}

const bytesOf = (taken: readonly Waiting[]) => taken.map(({ traffic }) => traffic.counters.get('li')?.bytesIn);

it('the newest of an amphora stands for those before it, with the traffic of all', () => {
  const { inbox, put, time } = anInbox();
  expect(put('a', 1, 10)).toBe('queued');
  expect(put('b', 1, 5)).toBe('queued');
  time.ms = 10_000;
  expect(put('a', 2, 100)).toBe('coalesced');
  expect(inbox.size()).toBe(2);
  const [a, b] = inbox.take(10);
  expect(a).toMatchObject({ heartbeat: { amphoraId: 'a', sequence: 2 }, receivedAt: new Date(10_000) });
  expect(bytesOf([a as Waiting, b as Waiting])).toEqual([110, 5]);
  expect([a?.beats, b?.beats, a?.restarts]).toEqual([2, 1, 0]);
  expect(inbox.take(10)).toEqual([]);
});

it('gives those first that have waited longest', () => {
  const { inbox, put } = anInbox();
  for (const id of ['a', 'b', 'c']) put(id, 1);
  put('a', 2);
  expect(inbox.take(2).map((one) => one.heartbeat.amphoraId)).toEqual(['a', 'b']);
  expect(inbox.take(2).map((one) => one.heartbeat.amphoraId)).toEqual(['c']);
});

it('what could not be recorded is taken up by what has come since', () => {
  const { inbox, put } = anInbox();
  put('a', 1, 10);
  put('b', 1, 5);
  const taken = inbox.take(10);
  put('a', 2, 100);
  inbox.putBack(taken);
  const again = inbox.take(10);
  expect(again.map(({ beats }) => beats)).toEqual([2, 1]);
  expect(again.map(({ heartbeat: { amphoraId, sequence } }) => [amphoraId, sequence])).toEqual([
    ['a', 2],
    ['b', 1],
  ]);
  expect(bytesOf(again)).toEqual([110, 5]);
});

it('counts no traffic of what was sent again', () => {
  const { inbox, put } = anInbox();
  put('a', 5, 10);
  expect(put('a', 5, 10)).toBe('replayed');
  expect(put('a', 3, 1_000)).toBe('held');
  expect(put('a', 3, 1_000)).toBe('replayed');
  expect(put('a', 6, 100)).toBe('coalesced');
  expect(bytesOf(inbox.take(10))).toEqual([110]);
});

it('loses no traffic of an agent that starts anew', () => {
  const { inbox, put, time } = anInbox();
  put('a', 500, 10);
  inbox.take(10);
  time.ms = 6_000;
  expect(put('a', 0, 100)).toBe('held');
  time.ms = 16_000;
  expect(put('a', 1, 1_000)).toBe('queued');
  const taken = inbox.take(10);
  expect(bytesOf(taken)).toEqual([1_100]);
  expect(taken).toMatchObject([{ beats: 1, restarts: 1 }]);
});

it('takes no more amphorae than it has room for; those that wait are still renewed', () => {
  const { put } = anInbox(2);
  expect([put('a', 1), put('b', 1), put('c', 1), put('a', 2)]).toEqual(['queued', 'queued', 'full', 'coalesced']);
});

it('in whichever order things happen, every byte of an agent that lives is given out once', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), id: fc.constantFrom('a', 'b', 'c'), bytes: fc.nat({ max: 99 }) }),
    fc.record({ kind: fc.constant('record' as const), limit: fc.integer({ min: 1, max: 3 }) }),
    fc.record({
      kind: fc.constant('fail' as const),
      limit: fc.integer({ min: 1, max: 3 }),
      between: fc.nat({ max: 99 }),
    }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const { inbox, put } = anInbox();
      const sequences: Record<string, number> = {};
      const sent: Record<string, number> = { a: 0, b: 0, c: 0 };
      const recorded: Record<string, number> = { a: 0, b: 0, c: 0 };
      const send = (id: string, bytes: number) => {
        sequences[id] = (sequences[id] ?? 0) + 1;
        sent[id] = (sent[id] ?? 0) + bytes;
        put(id, sequences[id], bytes);
      };
      const record = (limit: number) => {
        for (const {
          heartbeat: { amphoraId },
          traffic,
        } of inbox.take(limit)) {
          recorded[amphoraId] = (recorded[amphoraId] ?? 0) + (traffic.counters.get('li')?.bytesIn ?? 0);
        }
      };
      for (const one of events) {
        if (one.kind === 'put') send(one.id, one.bytes);
        else if (one.kind === 'record') record(one.limit);
        else {
          const taken = inbox.take(one.limit);
          send('a', one.between);
          inbox.putBack(taken);
        }
      }
      record(1_000);
      expect(recorded).toEqual(sent);
    }),
  );
});
