import { expect, it } from 'vitest';
import { pythonText } from './python-text.ts';

it.each([
  ["it's", "it's"],
  [null, 'None'],
  [true, 'True'],
  [7, '7'],
  [1e300, '1e+300'],
  [[], '[]'],
  [{}, '{}'],
  [['a', null, [false, 1.5]], "['a', None, [False, 1.5]]"],
  [
    { a: { b: ["it's", 'both \' and "', 'tab\t\u0000\\'] } },
    `{'a': {'b': ["it's", 'both \\' and "', 'tab\\t\\x00\\\\']}}`,
  ],
])('%j is %s, as Python prints it', (value, text) => {
  expect(pythonText(value)).toBe(text);
});

it('is short, and walks no further than it shows', () => {
  let reads = 0;
  const item = {
    get x() {
      reads++;
      return 'y'.repeat(20);
    },
  };
  expect(pythonText(Array.from({ length: 100_000 }, () => item))).toHaveLength(303);
  expect(reads).toBeLessThan(20);
  expect(pythonText('z'.repeat(1_000_000))).toHaveLength(303);
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level++) deep = [deep];
  expect(pythonText(deep)).toBe(`${'['.repeat(21)}...${']'.repeat(21)}`);
  expect(pythonText('\ud800').isWellFormed()).toBe(true);
});
