import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { nameServer } from './server-name.ts';

const id = '5a0d7c1e-1111-4222-8333-444455556666';

describe('nameServer', () => {
  it('is amphora-ID by default', () => {
    expect(nameServer(id, 0, () => expect.unreachable())).toBe(`amphora-${id}`);
  });

  it('is random, of the length asked for, where that is configured', () => {
    for (const length of [8, 15, 255]) {
      expect(nameServer(id, length, randomInt)).toMatch(new RegExp(`^a[A-Z0-9]{${length - 1}}$`));
    }
    expect(nameServer(id, 8, () => 0)).toBe('aAAAAAAA');
    expect(nameServer(id, 8, (exclusiveMax) => exclusiveMax - 1)).toBe('a9999999');
  });

  it.each([1, 7, 256, -1])('refuses the length %i, with which names would meet or be too long', (length) => {
    expect(() => nameServer(id, length, randomInt)).toThrow(
      `[nova] random_amphora_name_length is ${length}; allowed are 0`,
    );
  });
});
