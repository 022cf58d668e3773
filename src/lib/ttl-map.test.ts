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

it('forgets everything when nobody has asked for long', () => {
  let now = 0;
  const map = createTtlMap<string>(() => now, 1_000);
  map.set('a', 'x');
  now = 999;
  expect(map.get('a')).toBe('x');
  now = 3_000;
  expect(map.get('a')).toBeUndefined();
});
