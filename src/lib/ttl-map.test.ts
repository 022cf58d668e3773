import { expect, it } from 'vitest';
import { createTtlMap } from './ttl-map.ts';

it('keeps what is used, and forgets what is not', () => {
  let now = 0;
  const map = createTtlMap<string>(() => now, 1_000);
  map.set('used', 'x');
  map.set('unused', 'x');
  for (now = 500; now <= 5_000; now += 500) expect(map.get('used')).toBe('x');
  expect(map.get('unused')).toBeUndefined();
});

it('forgets at once what is deleted, however long it was kept', () => {
  let now = 0;
  const map = createTtlMap<string>(() => now, 1_000);
  for (const key of ['a', 'b']) map.set(key, 'x');
  now = 1_500;
  map.delete('a');
  expect([map.get('a'), map.get('b')]).toEqual([undefined, 'x']);
});

it('forgets everything when nobody has asked for long', () => {
  let now = 0;
  const map = createTtlMap<string>(() => now, 1_000);
  map.set('a', 'x');
  now = 999;
  expect(map.get('a')).toBe('x');
  now = 3_000;
  expect(map.get('a')).toBeUndefined();
});
