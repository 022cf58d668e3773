import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultPools, parseCidr, pickAddress, randomMac, toAddress, toNumber } from './addresses.ts';

const address = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(toAddress);
const cidr = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 20, max: 30 }))
  .map(([number, length]) => `${toAddress(number - (number % 2 ** (32 - length)))}/${length}`);

test('an address is a number and back', () => {
  fc.assert(fc.property(address, (text) => toAddress(toNumber(text)) === text));
});

test.each(['10.0.0.0', '10.0.0.1/24', '10.0.0.0/33', '10.0.0/8', 'fd00::/64', 'x/8', ''])(
  '%s is no network',
  (text) => {
    expect(parseCidr(text)).toBeNull();
  },
);

test('default pools hold every address of the network but its first, its last and the gateway', () => {
  fc.assert(
    fc.property(cidr, fc.nat(), (text, offset) => {
      const network = parseCidr(text);
      if (!network) return false;
      const gateway = toAddress(network.first + (offset % (network.last - network.first + 1)));
      const inPools = defaultPools(network, gateway).flatMap(({ start, end }) =>
        Array.from({ length: toNumber(end) - toNumber(start) + 1 }, (_, index) => toAddress(toNumber(start) + index)),
      );
      const expected = Array.from({ length: network.last - network.first - 1 }, (_, index) =>
        toAddress(network.first + 1 + index),
      ).filter((one) => one !== gateway);
      return JSON.stringify(inPools) === JSON.stringify(expected);
    }),
    { numRuns: 50 },
  );
});

test('addresses are given out until there are none, each once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 26, max: 30 }), (length) => {
      const network = parseCidr(`127.5.0.0/${length}`);
      if (!network) return false;
      const pools = defaultPools(network, '127.5.0.2');
      const taken = new Set<string>();
      for (let next = pickAddress(pools, taken); next !== null; next = pickAddress(pools, taken)) taken.add(next);
      return taken.size === 2 ** (32 - length) - 3 && !taken.has('127.5.0.2');
    }),
  );
});

test('no pools, no address', () => {
  expect(pickAddress([], new Set())).toBeNull();
});

test('hardware addresses look as Neutron makes them', () => {
  expect(randomMac()).toMatch(/^fa:16:3e(:[0-9a-f]{2}){3}$/);
});
