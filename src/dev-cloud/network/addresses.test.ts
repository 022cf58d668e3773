import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  defaultPools,
  type IpVersion,
  parseCidr,
  pickAddress,
  poolSize,
  randomMac,
  toAddress,
  toNumber,
} from './addresses.ts';

const addressOf = (version: IpVersion) =>
  fc.bigInt({ min: 0n, max: 2n ** (version === 4 ? 32n : 128n) - 1n }).map((number) => ({ number, version }));
const anyAddress = fc.oneof(addressOf(4), addressOf(6));
/** With few addresses. */
const cidr = fc.tuple(anyAddress, fc.integer({ min: 2, max: 12 })).map(([{ number, version }, hostBits]) => {
  const first = number - (number % 2n ** BigInt(hostBits));
  return `${toAddress(first, version)}/${(version === 4 ? 32 : 128) - hostBits}`;
});

test('an address is a number and back', () => {
  fc.assert(fc.property(anyAddress, ({ number, version }) => toNumber(toAddress(number, version)) === number));
});

test.each([
  ['FD00:0:0::00a', 'fd00::a'],
  ['::', '::'],
  ['::ffff:192.0.2.1', '::ffff:c000:201'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
])('%s is written %s', (text, canonical) => {
  expect(toAddress(toNumber(text), 6)).toBe(canonical);
});

test.each(['10.0.0.0', '10.0.0.1/24', '10.0.0.0/33', '10.0.0/8', 'fd00::1/64', 'fd00::/129', 'fd00:/8', 'x/8', ''])(
  '%s is no network',
  (text) => {
    expect(parseCidr(text)).toBeNull();
  },
);

test('default pools hold every address of the network but its first, the gateway, and of IPv4 its last', () => {
  fc.assert(
    fc.property(cidr, fc.nat(), (text, offset) => {
      const network = parseCidr(text);
      if (!network) return false;
      const { version, first, last } = network;
      const size = Number(last - first + 1n);
      const gateway = toAddress(first + BigInt(offset % size), version);
      const inPools = defaultPools(network, gateway).flatMap((pool) =>
        Array.from({ length: Number(poolSize([pool])) }, (_, index) =>
          toAddress(toNumber(pool.start) + BigInt(index), version),
        ),
      );
      const expected = Array.from({ length: size - (version === 4 ? 2 : 1) }, (_, index) =>
        toAddress(first + 1n + BigInt(index), version),
      ).filter((one) => one !== gateway);
      return JSON.stringify(inPools) === JSON.stringify(expected);
    }),
    { numRuns: 50 },
  );
});

test.each([
  ['127.5.0.0', 32, 3],
  ['fd00::', 128, 2],
] as const)('addresses of %s are given out until there are none, each once', (address, bits, withheld) => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 6 }), (hostBits) => {
      const network = parseCidr(`${address}/${bits - hostBits}`);
      if (!network) return false;
      const gateway = toAddress(network.first + 2n, network.version);
      const pools = defaultPools(network, gateway);
      const taken = new Set<string>();
      for (let next = pickAddress(pools, taken); next !== null; next = pickAddress(pools, taken)) taken.add(next);
      return taken.size === 2 ** hostBits - withheld && !taken.has(gateway);
    }),
  );
});

test('no pools, no address', () => {
  expect(pickAddress([], new Set())).toBeNull();
});

test('hardware addresses look as Neutron makes them', () => {
  expect(randomMac()).toMatch(/^fa:16:3e(:[0-9a-f]{2}){3}$/);
});
