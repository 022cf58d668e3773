import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHeartbeat } from './decode.ts';
import { encodeHeartbeat } from './encode.ts';
import { unwrapEnvelope, wrapEnvelope } from './envelope.ts';
import { type Heartbeat, heartbeatKeyInForce } from './message.ts';

/** Sent by Debian's octavia-agent 11.0.0. */
const recorded: { key: string; packets: Array<{ hex: string; decoded: Record<string, unknown> }> } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../test/golden/agent/octavia-agent-11-heartbeats.json'), 'utf8'),
);

const id = fc.uuid();
const counter = fc.nat();
const status = fc.oneof(fc.constantFrom('OPEN', 'FULL', 'UP', 'DOWN', 'no check', 'UP 1/3'), fc.string());
const anyId = fc.oneof(
  id,
  fc.constant('__proto__'),
  fc.string({ minLength: 1 }).filter((text) => !text.includes(':')),
);
const anyHeartbeat: fc.Arbitrary<Heartbeat> = fc.record({
  amphoraId: fc.string(),
  sequence: counter,
  version: fc.constant(3),
  countersAreDeltas: fc.constant(true),
  listeners: fc
    .array(
      fc.tuple(
        anyId,
        fc.record({
          status,
          counters: fc.record(
            {
              bytesIn: counter,
              bytesOut: counter,
              activeConnections: counter,
              totalConnections: counter,
              requestErrors: counter,
              backend: fc.record({
                serverErrors: counter,
                connectErrors: counter,
                responseErrors: counter,
                retries: counter,
              }),
            },
            { requiredKeys: ['bytesIn', 'bytesOut', 'activeConnections', 'totalConnections', 'requestErrors'] },
          ),
        }),
      ),
    )
    .map((entries) => new Map(entries)),
  pools: fc.uniqueArray(
    fc.record({
      poolId: anyId,
      listenerId: fc.option(anyId),
      status,
      members: fc.array(fc.tuple(anyId, status)).map((entries) => new Map(entries)),
    }),
    { selector: ({ poolId, listenerId }) => `${poolId}:${listenerId}`, maxLength: 5 },
  ),
});

const byName = (pools: Heartbeat['pools']) =>
  [...pools].sort((a, b) => (`${a.poolId}:${a.listenerId}` < `${b.poolId}:${b.listenerId}` ? -1 : 1));

function fault(packet: Uint8Array, key = 'k') {
  const decoded = decodeHeartbeat(packet, key);
  return decoded.ok ? expect.unreachable('decoded') : decoded;
}

describe("packets of Octavia's agent", () => {
  it.each(recorded.packets)('are read', ({ hex, decoded }) => {
    expect(decodeHeartbeat(Buffer.from(hex, 'hex'), recorded.key)).toEqual({
      ok: true,
      heartbeat: {
        amphoraId: '00000000-0000-4000-8000-000000000001',
        sequence: decoded.seq,
        version: 3,
        countersAreDeltas: true,
        listeners: new Map([
          [
            '66666666-7777-4888-8999-aaaaaaaaaaaa',
            {
              status: 'OPEN',
              counters: { bytesIn: 0, bytesOut: 0, activeConnections: 0, totalConnections: 0, requestErrors: 0 },
            },
          ],
        ]),
        pools: [
          {
            poolId: 'bbbbbbbb-cccc-4ddd-8eee-ffffffffffff',
            listenerId: '66666666-7777-4888-8999-aaaaaaaaaaaa',
            status: 'UP',
            members: new Map([['99999999-7777-4888-8999-aaaaaaaaaaaa', 'no check']]),
          },
        ],
      },
    });
  });

  it.each(recorded.packets)('are what ours say in the same case', ({ hex, decoded }) => {
    const read = decodeHeartbeat(Buffer.from(hex, 'hex'), recorded.key);
    if (!read.ok) return expect.unreachable(read.detail);
    const ours = unwrapEnvelope(encodeHeartbeat(read.heartbeat, recorded.key), recorded.key);
    expect(ours).toEqual({ ok: true, message: decoded });
  });

  it('are refused under another key', () => {
    for (const { hex } of recorded.packets) {
      expect(fault(Buffer.from(hex, 'hex'), 'another')).toMatchObject({ fault: 'signature' });
    }
  });
});

it('comes back as it was sent', () => {
  fc.assert(
    fc.property(anyHeartbeat, fc.string(), (heartbeat, key) => {
      const decoded = decodeHeartbeat(encodeHeartbeat(heartbeat, key), key);
      if (!decoded.ok) return expect.unreachable(decoded.detail);
      expect({ ...decoded.heartbeat, pools: byName(decoded.heartbeat.pools) }).toEqual({
        ...heartbeat,
        pools: byName(heartbeat.pools),
      });
    }),
  );
});

it('is refused when a single bit is another', () => {
  const packet = Buffer.from(recorded.packets[0]?.hex ?? '', 'hex');
  fc.assert(
    fc.property(fc.nat({ max: packet.length * 8 - 1 }), (bit) => {
      const changed = Buffer.from(packet);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(fault(changed, recorded.key).fault).toBe('signature');
    }),
  );
});

it('reads any packet without throwing, signed or not', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(decodeHeartbeat(bytes, 'k').ok).toBe(false);
    }),
  );
  fc.assert(
    fc.property(fc.jsonValue(), (message) => {
      const decoded = decodeHeartbeat(wrapEnvelope(message, 'k'), 'k');
      if (!decoded.ok) expect(decoded.fault).toMatch(/^(shape|version)$/);
    }),
  );
});

it.each([
  {},
  { hrsp_5xx: 1 },
  { hrsp_5xx: 1, econ: 'many', eresp: 0, wretr: 0 },
  { hrsp_5xx: -1, econ: 0, eresp: 0, wretr: 0 },
])('what an agent tells of its pools is left out where it is nonsense, and nothing else: %o', (more) => {
  const message = {
    id: 'a',
    seq: 1,
    ver: 3,
    listeners: { li: { status: 'OPEN', stats: { rx: 7, ...more } } },
    pools: {},
  };
  const decoded = decodeHeartbeat(wrapEnvelope(message, 'k'), 'k');
  if (!decoded.ok) return expect.unreachable(decoded.detail);
  const counters = decoded.heartbeat.listeners.get('li')?.counters;
  expect(counters).toMatchObject({ bytesIn: 7 });
  expect(counters?.backend).toBeUndefined();
});

describe('older formats', () => {
  const stats = { tx: 1, rx: 2, conns: 3, totconns: 4, ereq: 5 };
  const read = (message: unknown, digest: 'hex' | 'binary' = 'hex') => {
    const decoded = decodeHeartbeat(wrapEnvelope(message, 'k', digest), 'k');
    return decoded.ok ? decoded.heartbeat : expect.unreachable(decoded.detail);
  };

  it.each([undefined, 1])('%s: pools stand in their listener, counters are totals', (ver) => {
    const pools = { p: { status: 'UP', members: { m: 'ONLINE' } } };
    const message = { id: 'a', seq: 7, listeners: { l: { status: 'OPEN', stats, pools } }, ver };
    expect(read(message)).toEqual({
      amphoraId: 'a',
      sequence: 7,
      version: ver ?? 0,
      countersAreDeltas: false,
      listeners: new Map([
        [
          'l',
          {
            status: 'OPEN',
            counters: { bytesIn: 2, bytesOut: 1, activeConnections: 3, totalConnections: 4, requestErrors: 5 },
          },
        ],
      ]),
      pools: [{ poolId: 'p', listenerId: 'l', status: 'UP', members: new Map([['m', 'ONLINE']]) }],
    });
  });

  it('2: pools stand by themselves, counters are totals', () => {
    const pools = { 'p:l': { status: 'DOWN', members: {} } };
    expect(read({ id: 'a', seq: 0, listeners: {}, pools, ver: 2 })).toMatchObject({
      version: 2,
      countersAreDeltas: false,
      pools: [{ poolId: 'p', listenerId: 'l', status: 'DOWN' }],
    });
  });

  it('pools of UDP listeners have no listener', () => {
    const pools = { p: { status: 'UP', members: {} } };
    expect(read({ id: 'a', listeners: { l: { status: 'OPEN' } }, pools, ver: 3 }).pools).toEqual([
      { poolId: 'p', listenerId: null, status: 'UP', members: new Map() },
    ]);
  });

  it('the signature may be binary', () => {
    expect(read({ id: 'a', listeners: {}, ver: 1 }, 'binary')).toMatchObject({ amphoraId: 'a' });
  });

  it('4 is not read', () => {
    expect(fault(wrapEnvelope({ id: 'a', listeners: {}, ver: 4 }, 'k'))).toMatchObject({
      fault: 'version',
      detail: 'the message has format 4; Kiln reads 0 to 3',
    });
  });
});

describe('what is dropped', () => {
  const signed = (payload: Buffer) =>
    Buffer.concat([payload, Buffer.from(createHmac('sha256', 'k').update(payload).digest('hex'))]);

  it.each<[string, Uint8Array, string]>([
    ['nothing', Buffer.alloc(0), 'too-short'],
    ['a signature of nothing', signed(Buffer.alloc(0)).subarray(32), 'too-short'],
    ['longer than UDP', Buffer.alloc(65_508), 'too-long'],
    ['a bomb', signed(deflateSync(Buffer.alloc(60_000_000))), 'compression'],
    ['not compressed', signed(Buffer.from('{}')), 'compression'],
    ['not JSON', signed(deflateSync('{')), 'json'],
    ['a list', wrapEnvelope([], 'k'), 'shape'],
  ])('%s', (_name, packet, expected) => {
    expect(fault(packet).fault).toBe(expected);
  });

  it.each([
    [{ listeners: {} }, 'id is not a string'],
    [{ id: 'a' }, 'listeners is not an object'],
    [{ id: 'a', listeners: { l: { status: 1 } } }, 'listeners.*.status is not a string'],
    [{ id: 'a', listeners: {}, seq: -1 }, 'seq is not a number of 0 or more'],
    [{ id: 'a', listeners: {}, ver: '3' }, 'ver is not a number of 0 or more'],
    [
      { id: 'a', listeners: { l: { status: 'OPEN', stats: { rx: 1.5 } } } },
      'listeners.*.stats.rx is not a number of 0 or more',
    ],
    [
      { id: 'a', listeners: {}, pools: { p: { status: 'UP', members: { m: 1 } } }, ver: 3 },
      'members.* is not a string',
    ],
  ])('%j', (message, detail) => {
    expect(fault(wrapEnvelope(message, 'k'))).toMatchObject({
      fault: 'shape',
      detail: expect.stringContaining(detail),
    });
  });
});

it("has the key of Octavia's agents where none is configured", () => {
  expect(heartbeatKeyInForce('secret')).toBe('secret');
  expect(heartbeatKeyInForce(null)).toBe('None');
});
