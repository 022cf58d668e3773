// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of oslo.config, not of JavaScript
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { substitute } from './substitute.ts';

const known: Record<string, string> = { a: '1', 'g.b': '$a', empty: '' };
const lookUp = (name: string) => (name in known ? { text: known[name] ?? '' } : { fault: 'unknown' });

it.each([
  ['$a', '1'],
  ['x${a}y$a-z', 'x1y1-z'],
  ['$g.b', '$a'],
  ['<$empty>', '<>'],
  ['$$a', '$a'],
  ['\\$a', '$a'],
  ['$$$a', '$1'],
  ['$', '$'],
  ['5$ and $5', '5$ and $5'],
  ['${a', '${a'],
  ['${}', '${}'],
  ["$$'$$&", "$'$&"],
])('%s becomes %s', (written, text) => {
  expect(substitute(written, lookUp)).toEqual({ text });
});

it('tells which reference can not be followed', () => {
  expect(substitute('x${nope}', lookUp)).toEqual({ fault: '${nope}: unknown' });
  expect(substitute('$a.', lookUp)).toEqual({ fault: '$a.: unknown' });
});

it('gives back any text whose dollar signs are doubled', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const plain = text.replaceAll('\\$', '$');
      expect(substitute(plain.replaceAll('$', '$$$$'), lookUp)).toEqual({ text: plain });
    }),
  );
});
