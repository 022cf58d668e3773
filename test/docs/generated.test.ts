import { expect, it } from 'vitest';
import { documents, isFresh } from '../../scripts/generate-docs.ts';

it.each(documents)('$file is what its source makes (else: npm run docs:generate)', (document) => {
  expect(isFresh(document)).toBe(true);
});
