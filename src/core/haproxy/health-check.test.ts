import { expect, it } from 'vitest';
import { expandCodes } from './health-check.ts';

it.each([
  ['200', [200]],
  ['202, 200', [200, 202]],
  ['200-204', [200, 201, 202, 203, 204]],
  ['200,200-201', [200, 201]],
  ['204-200', []],
  ['', []],
  ['2000', []],
  ['200|.*', []],
])('expected codes %j', (text, codes) => expect(expandCodes(text)).toEqual(codes));
